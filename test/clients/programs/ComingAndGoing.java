import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;

/**
 * Members join and leave one group while messages are sent to six partitions. Arguments: bootstrap
 * address, topic, group, the assignor's class.
 */
public final class ComingAndGoing {
  private static final int PARTITIONS = 6;
  private static final int REBALANCE_MS = 20_000;
  private static final int READ = 100;

  private static String address;
  private static String topic;
  private static String group;
  private static String assignor;

  private static final Map<String, Integer> counts = new HashMap<>();
  private static final long[] committed = new long[PARTITIONS];
  private static int behindCommit = 0;
  private static long lastReadNs = 0;
  private static long longestNs = 0;

  /** Reads and commits in a thread of its own until it is told to leave. */
  private static final class Member extends Thread implements ConsumerRebalanceListener {
    private final AtomicBoolean leaving = new AtomicBoolean();
    private final AtomicInteger read = new AtomicInteger();
    private final Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    private KafkaConsumer<String, String> consumer;
    private volatile Throwable failure;

    @Override
    public void run() {
      try (KafkaConsumer<String, String> opened = new KafkaConsumer<>(settings())) {
        consumer = opened;
        consumer.subscribe(List.of(topic), this);
        while (!leaving.get()) {
          var records = consumer.poll(Duration.ofMillis(100));
          for (var each : records) {
            synchronized (counts) {
              counts.merge(each.value(), 1, Integer::sum);
              if (each.offset() < committed[each.partition()]) behindCommit++;
              long nowNs = System.nanoTime();
              if (lastReadNs != 0) longestNs = Math.max(longestNs, nowNs - lastReadNs);
              lastReadNs = nowNs;
            }
            next.put(
                new TopicPartition(topic, each.partition()),
                new OffsetAndMetadata(each.offset() + 1));
            read.incrementAndGet();
          }
          commit();
        }
        commit();
      } catch (Throwable thrown) {
        failure = thrown;
      }
    }

    private void commit() {
      if (next.isEmpty()) return;
      try {
        consumer.commitSync(next);
        synchronized (counts) {
          next.forEach((place, told) ->
              committed[place.partition()] = Math.max(committed[place.partition()], told.offset()));
        }
        next.clear();
      } catch (RebalanceInProgressException later) {
        // It may be committed when the next generation has begun.
      } catch (CommitFailedException gone) {
        next.clear();
      }
    }

    @Override
    public void onPartitionsAssigned(java.util.Collection<TopicPartition> assigned) {}

    @Override
    public void onPartitionsRevoked(java.util.Collection<TopicPartition> revoked) {
      commit();
      next.keySet().removeAll(revoked);
    }

    @Override
    public void onPartitionsLost(java.util.Collection<TopicPartition> lost) {
      next.keySet().removeAll(lost);
    }

    private void leave() throws Exception {
      leaving.set(true);
      join();
      check();
    }

    private void check() throws Exception {
      if (failure != null) throw new Exception(failure);
    }
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", address);
    settings.put("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("partition.assignment.strategy", assignor);
    settings.put("heartbeat.interval.ms", "300");
    settings.put("max.poll.interval.ms", String.valueOf(REBALANCE_MS));
    settings.put("fetch.max.wait.ms", "200");
    for (String side : List.of("key.", "value.")) {
      String strings = "org.apache.kafka.common.serialization.String";
      settings.put(side + "serializer", strings + "Serializer");
      settings.put(side + "deserializer", strings + "Deserializer");
    }
    return settings;
  }

  private static Member start() {
    Member member = new Member();
    member.start();
    return member;
  }

  /** Waits until each of them has read some more. */
  private static void work(Member... members) throws Exception {
    int[] wanted = new int[members.length];
    for (int at = 0; at < members.length; at++) wanted[at] = members[at].read.get() + READ;
    for (int at = 0; at < members.length; at++) {
      while (members[at].read.get() < wanted[at]) {
        members[at].check();
        Thread.sleep(20);
      }
    }
  }

  public static void main(String[] args) throws Exception {
    address = args[0];
    topic = args[1];
    group = args[2];
    assignor = args[3];
    Properties settings = settings();
    try (Admin admin = Admin.create(settings);
        KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
      AtomicBoolean stopped = new AtomicBoolean();
      AtomicInteger sent = new AtomicInteger();
      Thread sending = new Thread(() -> {
        while (!stopped.get()) {
          for (int message = 0; message < 30; message++) {
            int value = sent.getAndIncrement();
            producer.send(
                new ProducerRecord<>(topic, value % PARTITIONS, null, String.valueOf(value)));
          }
          producer.flush();
          try {
            Thread.sleep(20);
          } catch (InterruptedException stop) {
            return;
          }
        }
      });
      sending.start();

      Member first = start();
      Member second = start();
      work(first, second);
      Member third = start();
      work(first, second, third);
      int together = admin.describeConsumerGroups(List.of(group))
          .describedGroups().get(group).get().members().size();
      first.leave();
      work(second, third);
      Member fourth = start();
      work(second, third, fourth);
      Member fifth = start();
      second.leave();
      work(third, fourth, fifth);
      third.leave();
      fourth.leave();
      work(fifth);
      stopped.set(true);
      sending.join();
      while (true) {
        synchronized (counts) {
          if (counts.size() >= sent.get()) break;
        }
        fifth.check();
        Thread.sleep(20);
      }
      fifth.leave();

      Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
      for (int at = 0; at < PARTITIONS; at++) {
        asked.put(new TopicPartition(topic, at), OffsetSpec.latest());
      }
      var ends = admin.listOffsets(asked).all().get();
      var positions =
          admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      long atEnd = positions.entrySet().stream()
          .filter(each -> ends.get(each.getKey()).offset() == each.getValue().offset())
          .count();
      List<String> facts = new ArrayList<>();
      facts.add("\"together\": " + together);
      facts.add("\"unseen\": " + (sent.get() - counts.size()));
      facts.add("\"behindCommit\": " + behindCommit);
      facts.add("\"stoodStill\": " + (longestNs > REBALANCE_MS * 1_000_000L ? 1 : 0));
      facts.add("\"committedToEnd\": " + atEnd);
      long twice = counts.values().stream().filter(count -> count > 1).count();
      System.err.println(sent.get() + " sent, " + twice + " read twice, at most "
          + longestNs / 1_000_000 + " ms of rest");
      System.out.println("{" + String.join(", ", facts) + "}");
    }
  }
}
