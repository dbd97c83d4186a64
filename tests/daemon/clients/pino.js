// SPDX-License-Identifier: Apache-2.0
// Logs three lines through pino-loki: node pino.js URL
const pino = require('pino');

const transport = pino.transport({
  target: 'pino-loki',
  options: {
    host: process.argv[2],
    batching: { interval: 1 },
    labels: { job: 'pino' },
    headers: { 'X-Scope-OrgID': 'ci' },
    silenceErrors: false,
  },
});
const logger = pino(transport);
logger.info('quiet');
logger.error({ host: 'h' }, 'no space left on the device');
logger.warn('ünïcode ✓');
setTimeout(() => transport.end(), 2500);
