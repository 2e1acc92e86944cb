#!/usr/bin/env node
import process from 'node:process'
import { createControllerMetrics } from '../lib/controller/controller-metrics.js'
import { programMain } from '../lib/controller/program-main.js'
import { rangeSettings } from './node-range/range-settings.js'
import { runControllers } from './run-controllers.js'

process.exitCode = await programMain(
  {
    program: 'millrace-controller-manager',
    summary: 'keeps nodes, attempts, namespaces, owners and old objects in order',
    lease: 'millrace-controller-manager',
    settings: rangeSettings,
    run: ({ metrics, ...context }, signal, rangePools) =>
      runControllers({ ...context, metrics: createControllerMetrics(metrics), rangePools }, signal),
  },
  process,
)
