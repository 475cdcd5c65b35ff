/** The adapter of ./records on Kafka 4.1 and later. */
export { KafkaConsumer } from "./kafka/consumer";
export { KafkaProducer } from "./kafka/producer";
