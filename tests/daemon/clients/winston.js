// SPDX-License-Identifier: Apache-2.0
// Logs three lines through winston-loki: node winston.js URL json|protobuf
const winston = require('winston');
const LokiTransport = require('winston-loki');

const [url, form] = process.argv.slice(2);
const transport = new LokiTransport({
  host: url,
  json: form === 'json',
  batching: true,
  interval: 1,
  labels: { job: `winston-${form}` },
  headers: { 'X-Scope-OrgID': 'ci' },
  onConnectionError: (error) => {
    console.error(error);
    process.exitCode = 1;
  },
});
const logger = winston.createLogger({ transports: [transport] });
logger.info('quiet');
logger.error('no space left on the device');
logger.warn({ message: 'ünïcode ✓\nand a second line', labels: { step: 'two' } });
setTimeout(() => transport.flush().then(() => process.exit()), 1500);
