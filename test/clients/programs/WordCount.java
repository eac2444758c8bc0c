import java.time.Duration;
import java.util.*;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

/**
 * A Kafka Streams word count, stopped in the middle and started again with an empty state directory, so
 * that it must restore its store from the changelog. Prints how many words went in and what the counts
 * in the output add up to.
 *
 * Arguments: bootstrap address, input, output, application id, state directory, guarantee, lines.
 */
public final class WordCount {
  private static final String[] WORDS = {"mill", "race", "wheel", "water"};

  public static void main(String[] args) throws Exception {
    String address = args[0], input = args[1], output = args[2];
    int lines = Integer.parseInt(args[6]);
    send(address, input, 0, lines / 2);
    run(args, "first", lines / 2);
    send(address, input, lines / 2, lines);
    run(args, "second", lines);
    Map<String, Long> counts = read(address, output);
    long sum = counts.values().stream().mapToLong(Long::longValue).sum();
    System.out.printf("{\"lines\":%d,\"words\":%d,\"counted\":%d}%n", lines, counts.size(), sum);
  }

  private static void send(String address, String topic, int from, int to) {
    Map<String, Object> settings = Map.of("bootstrap.servers", address, "acks", "all");
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      for (int line = from; line < to; line++) {
        String text = WORDS[line % 4] + " " + WORDS[(line + 1) % 4];
        producer.send(new ProducerRecord<>(topic, "line-" + line, text));
      }
    }
  }

  /** Until the counts in the output, as committed, add up to two words a line. */
  private static void run(String[] args, String incarnation, int lines) throws Exception {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[3]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, args[4] + "/" + incarnation);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, args[5]);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(args[1], Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count(Materialized.with(Serdes.String(), Serdes.Long()))
        .toStream()
        .to(args[2], Produced.with(Serdes.String(), Serdes.Long()));
    CountDownLatch failed = new CountDownLatch(1);
    try (KafkaStreams streams = new KafkaStreams(builder.build(), settings)) {
      streams.setUncaughtExceptionHandler(error -> {
        error.printStackTrace();
        failed.countDown();
        return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
            .StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
      });
      streams.start();
      long sum = 0;
      while (sum < 2L * lines) {
        if (failed.getCount() == 0) System.exit(1);
        sum = read(args[0], args[2]).values().stream().mapToLong(Long::longValue).sum();
      }
      streams.close(Duration.ofSeconds(20));
    }
  }

  /** The newest count of each word, from all that is committed now. */
  private static Map<String, Long> read(String address, String topic) {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", address, "isolation.level", "read_committed");
    Map<String, Long> counts = new TreeMap<>();
    try (var consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(topic).stream()
              .map(each -> new TopicPartition(topic, each.partition()))
              .toList();
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        for (var found : consumer.poll(Duration.ofMillis(500))) {
          counts.put(found.key(), found.value());
        }
      }
    }
    return counts;
  }
}
