import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.RecordBatch;

/**
 * Has Kafka's own library write record batches with each of its codecs, and prints one line of JSON for
 * each. Of a batch `count` records have the key `key-N`, the value `N:` and `valueBytes` letters that
 * repeat or not, the header `n: N`, and times a second apart; the reader's test makes the same.
 */
public final class GoldenBatches {
  private static final long START_MS = 1_735_689_600_000L;
  private static final long BASE_OFFSET = 1_000;
  private static final long PRODUCER_ID = 4_711;
  private static final short PRODUCER_EPOCH = 3;
  private static final int BASE_SEQUENCE = 17;

  public static void main(String[] arguments) {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (CompressionType type : CompressionType.values()) {
      if (type == CompressionType.NONE) continue;
      print(out, type, 1, 0, false);
      print(out, type, 3, 20, false);
      print(out, type, 40, 10_000, false);
      print(out, type, 8, 2_500, true);
    }
    out.flush();
  }

  private static void print(
      PrintStream out, CompressionType type, int count, int valueBytes, boolean noise) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
    MemoryRecordsBuilder builder =
        MemoryRecords.builder(
            buffer,
            RecordBatch.MAGIC_VALUE_V2,
            Compression.of(type).build(),
            TimestampType.CREATE_TIME,
            BASE_OFFSET,
            RecordBatch.NO_TIMESTAMP,
            PRODUCER_ID,
            PRODUCER_EPOCH,
            BASE_SEQUENCE,
            false,
            0);
    for (int index = 0; index < count; index++) {
      Header[] headers = {new RecordHeader("n", text(String.valueOf(index)))};
      builder.append(
          START_MS + index * 1_000L, text("key-" + index), value(index, valueBytes, noise), headers);
    }
    MemoryRecords records = builder.build();
    byte[] bytes = new byte[records.sizeInBytes()];
    records.buffer().duplicate().get(bytes);
    out.printf(
        "{\"codec\":\"%s\",\"count\":%d,\"valueBytes\":%d,\"noise\":%b,\"base64\":\"%s\"}%n",
        type.name, count, valueBytes, noise, Base64.getEncoder().encodeToString(bytes));
  }

  private static byte[] value(int index, int valueBytes, boolean noise) {
    StringBuilder letters = new StringBuilder(index + ":");
    int state = index + 1;
    for (int at = 0; at < valueBytes; at++) {
      state = state * 1_103_515_245 + 12_345;
      int letter = noise ? (state >>> 16) % 26 : at % 26;
      letters.append((char) ('a' + letter));
    }
    return text(letters.toString());
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
