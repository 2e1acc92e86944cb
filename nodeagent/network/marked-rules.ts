/** The rules of `iptables -S CHAIN` with the comment `millrace:NAME`, as words behind the chain. Nothing in them needs quotes. Pure. */
export function markedRules(listed: string, chain: string, name: string): string[][] {
  return listed
    .split('\n')
    .map((line) => line.split(' ').map((word) => word.replaceAll('"', '')))
    .filter(([add, of, ...words]) => add === '-A' && of === chain && words.includes(`millrace:${name}`))
    .map((words) => words.slice(2))
}
