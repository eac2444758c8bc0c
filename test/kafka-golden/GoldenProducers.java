package org.apache.kafka.storage.internals.log;

import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.utils.Time;

/**
 * Plays random batches and markers against Kafka's own ProducerStateManager and prints what it says of
 * each, one line a step: batches as "b id epoch sequence count transactional", markers as
 * "m id epoch coordinatorEpoch commit", then the verdict (+offset, =offset, or the exception), the last
 * stable offset and the aborted transaction's first offset, if one ended.
 */
public class GoldenProducers {
  public static void main(String[] args) throws Exception {
    for (int seed = 1; seed <= Integer.parseInt(args[0]); seed++) play(seed, Integer.parseInt(args[1]));
  }

  private static void play(int seed, int steps) throws Exception {
    Random random = new Random(seed);
    File directory = Files.createTempDirectory("producers").toFile();
    ProducerStateManager manager =
        new ProducerStateManager(
            new TopicPartition("t", 0), directory, 900_000,
            new ProducerStateManagerConfig(86_400_000, true), Time.SYSTEM);
    System.out.println("log " + seed);
    long offset = 0;
    List<int[]> sent = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      long id = random.nextInt(3);
      Optional<ProducerStateEntry> entry = manager.lastEntry(id);
      int known = entry.map(e -> (int) e.producerEpoch()).orElse(0);
      int epoch = Math.max(0, known + (random.nextInt(9) == 0 ? random.nextInt(3) - 1 : 0));
      String line;
      String verdict;
      String aborted = "-";
      if (random.nextInt(4) == 0) {
        int coordinatorEpoch = random.nextInt(6) == 0 ? random.nextInt(3) : 1;
        boolean commit = random.nextBoolean();
        line = "m " + id + " " + epoch + " " + coordinatorEpoch + " " + (commit ? 1 : 0);
        MemoryRecords records =
            MemoryRecords.withEndTransactionMarker(
                offset, 1, 0, id, (short) epoch,
                new EndTransactionMarker(commit ? ControlRecordType.COMMIT : ControlRecordType.ABORT, coordinatorEpoch));
        try {
          ProducerAppendInfo info = manager.prepareUpdate(id, AppendOrigin.COORDINATOR);
          Optional<CompletedTxn> ended = info.append(records.batches().iterator().next(), Optional.empty(), (short) 1);
          manager.update(info);
          manager.updateMapEndOffset(offset + 1);
          if (ended.isPresent()) {
            if (ended.get().isAborted()) aborted = String.valueOf(ended.get().firstOffset());
            manager.completeTxn(ended.get());
          }
          verdict = "+" + offset++;
        } catch (Exception error) {
          verdict = error.getClass().getSimpleName();
        }
      } else {
        boolean open = entry.isPresent() && entry.get().currentTxnFirstOffset().isPresent();
        boolean transactional = random.nextInt(8) == 0 ? !open : open || random.nextBoolean();
        int last = entry.map(ProducerStateEntry::lastSeq).orElse(-1);
        int next = entry.isEmpty() ? (random.nextBoolean() ? Integer.MAX_VALUE - 2 : 0)
            : epoch == known ? (last == Integer.MAX_VALUE ? 0 : last + 1) : 0;
        int sequence = next;
        int count = 1 + random.nextInt(3);
        if (random.nextInt(8) == 0) sequence = (int) ((next + 1L + random.nextInt(2)) & 0x7fffffff);
        if (random.nextInt(4) == 0 && !sent.isEmpty()) {
          int[] again = sent.get(Math.max(0, sent.size() - 1 - random.nextInt(12)));
          id = again[0];
          epoch = again[1];
          sequence = again[2];
          count = again[3];
          transactional = again[4] == 1;
        }
        line = "b " + id + " " + epoch + " " + sequence + " " + count + " " + (transactional ? 1 : 0);
        SimpleRecord[] values = new SimpleRecord[count];
        for (int at = 0; at < count; at++) values[at] = new SimpleRecord(1, new byte[] {1});
        MemoryRecords records = transactional
            ? MemoryRecords.withTransactionalRecords(offset, Compression.NONE, id, (short) epoch, sequence, 0, values)
            : MemoryRecords.withIdempotentRecords(offset, Compression.NONE, id, (short) epoch, sequence, 0, values);
        RecordBatch batch = records.batches().iterator().next();
        var original = manager.lastEntry(id).flatMap(e -> e.findDuplicateBatch(batch));
        if (original.isPresent()) {
          verdict = "=" + original.get().firstOffset();
        } else {
          try {
            ProducerAppendInfo info = manager.prepareUpdate(id, AppendOrigin.CLIENT);
            info.append(batch, Optional.of(new LogOffsetMetadata(offset)));
            manager.update(info);
            manager.updateMapEndOffset(offset + count);
            sent.add(new int[] {(int) id, epoch, sequence, count, transactional ? 1 : 0});
            verdict = "+" + offset;
            offset += count;
          } catch (Exception error) {
            verdict = error.getClass().getSimpleName();
          }
        }
      }
      manager.onHighWatermarkUpdated(offset);
      long stable = manager.firstUnstableOffset().map(each -> each.messageOffset).orElse(offset);
      System.out.println(line + " " + verdict + " " + stable + " " + aborted);
    }
  }
}
