#!/usr/bin/env node
import process from 'node:process'
import { programMain } from '../lib/controller/program-main.js'
import { createSchedulerMetrics } from './metrics.js'
import { runScheduler } from './run-scheduler.js'

process.exitCode = await programMain(
  {
    program: 'millrace-scheduler',
    summary: 'decides on which node each workload runs',
    lease: 'millrace-scheduler',
    run: ({ client, clock, log, identity, metrics }, signal) =>
      runScheduler({ client, clock, log, identity, onStarted: (scheduler) => createSchedulerMetrics(metrics, scheduler) }, signal),
  },
  process,
)
