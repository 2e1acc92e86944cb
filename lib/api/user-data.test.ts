import { expect, it } from 'vitest'
import { userDataFormat } from './user-data.js'

it.each([
  ['#cloud-config\npackages: [git]\n', 'cloud-config'],
  ['\n  #Cloud-Config\n', 'cloud-config'],
  ['#cloud-config-archive\n- type: text/x-shellscript\n', 'cloud-config-archive'],
  ['#cloud-config-jsonp\n[]', 'cloud-config-jsonp'],
  ['#!/usr/bin/python3\n', 'script'],
  ['#include\nhttps://example.com/a', 'include'],
  ['#include-once\nhttps://example.com/a', 'include'],
  ['#cloud-boothook\n#!/bin/sh\n', 'boothook'],
  ['#part-handler\ndef list_types():', 'part-handler'],
  ['## template: jinja\n#cloud-config\n', 'template'],
  ['Content-Type: multipart/mixed; boundary="x"\nMIME-Version: 1.0\n\n--x\n\nhi\n--x--\n', 'multipart'],
  ['MIME-Version: 1.0\r\nX-Other: a\r\nContent-Type: multipart/mixed;\r\n boundary=x\r\n\r\n--x\r\n\r\nhi\r\n--x--\r\n', 'multipart'],
  ['Content-Type: multipart/mixed; boundary="x"\n\n--y\n\nhi\n--y--\n', undefined],
  ['Content-Type: multipart/mixed\n\n--x\n\nhi\n--x--\n', undefined],
  ['Content-Type: text/plain\n\nhi', undefined],
  ['packages: [git]\n', undefined],
  ['#cloud\nconfig', undefined],
  ['', undefined],
])('%j is %s to cloud-init', (text, format) => expect(userDataFormat(text)).toBe(format))
