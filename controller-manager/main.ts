#!/usr/bin/env node
import process from 'node:process'
import { programMain } from '../lib/controller/program-main.js'
import { runControllers } from './run-controllers.js'

process.exitCode = await programMain(
  {
    program: 'millrace-controller-manager',
    summary: 'keeps nodes, attempts, namespaces, owners and old objects in order',
    lease: 'millrace-controller-manager',
    run: runControllers,
  },
  process,
)
