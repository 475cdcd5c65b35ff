import { kafkaPaths } from "./kafka-paths";

/** A broker's log files: this many rolled files of this size, beside the one being written. */
const FILE_SIZE = "10MB";
const KEPT_FILES = 3;

/**
 * After an unclean end these say how far the recovery of the logs is, which takes minutes on a card
 * and which nothing else tells. LogManager has moved between versions.
 */
const START_PROGRESS: readonly string[] = [
  "kafka.log.LogManager",
  "org.apache.kafka.storage.internals.log.LogManager",
  "org.apache.kafka.storage.internals.log.LogLoader",
];

/**
 * Log4j 2 configuration of a broker. Properties form: YAML would need a parser that not every
 * distribution has on its class path. The server log rolls by size and is bounded (40 MB in all);
 * standard output, hence the journal, gets warnings, so that a reason of death shows there, and the
 * progress of a start.
 */
export function renderLog4j2(): string {
  return `# Written by pi-lab.
status = warn
name = kafka

appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %p %m (%c)%n%notEmpty{%rException{4}%n}
appender.stdout.layout.alwaysWriteExceptions = false

appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${kafkaPaths.logs}/server.log
appender.file.filePattern = ${kafkaPaths.logs}/server.log.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d] %p %m (%c)%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = ${FILE_SIZE}
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = ${KEPT_FILES}
appender.file.strategy.fileIndex = min

rootLogger.level = info
rootLogger.appenderRef.stdout.ref = stdout
rootLogger.appenderRef.stdout.level = warn
rootLogger.appenderRef.file.ref = file

${START_PROGRESS.map(toJournal).join("")}
# One line for each request is too much for a card, and so is a line a second for each broker that
# is switched off.
logger.client.name = org.apache.kafka.clients.NetworkClient
logger.client.level = error
logger.request.name = kafka.request.logger
logger.request.level = warn
logger.network.name = kafka.network.RequestChannel$
logger.network.level = warn
logger.authorizer.name = kafka.authorizer.logger
logger.authorizer.level = warn
`;
}

function toJournal(logger: string, index: number): string {
  const key = `logger.progress${index + 1}`;
  return `${key}.name = ${logger}
${key}.level = info
${key}.additivity = false
${key}.appenderRef.stdout.ref = stdout
${key}.appenderRef.file.ref = file
`;
}

/** Log4j 2 configuration of Kafka's command-line tools: warnings, on standard error. */
export function renderToolsLog4j2(): string {
  return `# Written by pi-lab.
status = error
name = kafka-tools

appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = [%d] %p %m (%c)%n

rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
`;
}
