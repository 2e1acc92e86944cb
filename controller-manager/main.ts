#!/usr/bin/env node
import process from 'node:process'
import { createControllerMetrics } from '../lib/controller/controller-metrics.js'
import { programMain } from '../lib/controller/program-main.js'
import { runControllers } from './run-controllers.js'

process.exitCode = await programMain(
  {
    program: 'millrace-controller-manager',
    summary: 'keeps nodes, attempts, namespaces, owners and old objects in order',
    lease: 'millrace-controller-manager',
    run: ({ metrics, ...context }, signal) => runControllers({ ...context, metrics: createControllerMetrics(metrics) }, signal),
  },
  process,
)
