/** Of the agent, as Nodes and its user agent show it. */
export const version = '0.1.0'
