/** Whether the key that a server showed is the one of a line `TYPE BASE64 [COMMENT]`. */
export function sameHostKey(line: string, shown: Buffer): boolean {
  return Buffer.from(line.split(' ')[1] ?? '', 'base64').equals(shown)
}
