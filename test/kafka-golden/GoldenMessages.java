import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.record.internal.BaseRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Has Kafka's own generated classes write every message in every version, and prints one line of JSON
 * for each: what was written, and what Kafka's reader makes of it. Arguments: names of messages.
 *
 * The classes do not say which fields a version has. So each struct is filled field by field, and a
 * value that its version refuses to write is taken back. A field that may be lost (ignorable) is
 * accepted and lost; therefore the content is taken from reading the bytes again.
 */
public final class GoldenMessages {
  /** How the fields of a message are filled. */
  private enum Variant {
    /** As the constructor leaves them. */
    EMPTY,
    /** No field has its default; arrays have two elements. */
    FULL,
    /** Numbers at their ends, strings and bytes long enough for lengths of two bytes. */
    EXTREME,
    /** As FULL, but null wherever the version allows it. */
    NULL,
    /** As FULL, and every struct has tagged fields that no table knows. */
    UNKNOWN_TAGS
  }

  private static final long SAFE_MAX = (1L << 53) - 1;

  private final Variant variant;
  private final short version;
  private int counter = 0;

  private GoldenMessages(Variant variant, short version) {
    this.variant = variant;
    this.version = version;
  }

  public static void main(String[] names) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String name : names) {
      Class<?> type = classOf(name);
      Message empty = (Message) type.getConstructor().newInstance();
      short last = empty.highestSupportedVersion();
      for (short version = empty.lowestSupportedVersion(); version <= last; version++) {
        for (Variant variant : Variant.values()) {
          out.println(lineOf(name, type, variant, version));
        }
      }
    }
    out.flush();
  }

  private static Class<?> classOf(String name) throws ClassNotFoundException {
    String path = "org.apache.kafka.common.message." + name;
    try {
      return Class.forName(path + "Data");
    } catch (ClassNotFoundException alone) {
      return Class.forName(path);
    }
  }

  private static String lineOf(String name, Class<?> type, Variant variant, short version)
      throws Exception {
    Message message = new GoldenMessages(variant, version).fill(type);
    byte[] bytes = write(message, version);
    Message found = (Message) type.getConstructor().newInstance();
    found.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), version);
    StringBuilder line = new StringBuilder();
    line.append("{\"message\":\"").append(name);
    line.append("\",\"version\":").append(version);
    line.append(",\"variant\":\"").append(variant.name().toLowerCase());
    line.append("\",\"hex\":\"").append(HexFormat.of().formatHex(bytes));
    line.append("\",\"content\":");
    appendJson(line, found);
    return line.append('}').toString();
  }

  private static byte[] write(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    if (buffer.hasRemaining()) throw new IllegalStateException("size and bytes differ");
    return buffer.array();
  }

  /** A new struct of this class, with all that the version lets it have. */
  private Message fill(Class<?> type) throws Exception {
    Message struct = (Message) type.getConstructor().newInstance();
    if (variant == Variant.EMPTY) return struct;
    for (Field field : fieldsOf(type)) {
      Object before = field.get(struct);
      if (variant == Variant.NULL && !field.getType().isPrimitive()) {
        field.set(struct, null);
        if (isWritable(struct)) continue;
      }
      field.set(struct, valueOf(field.getGenericType()));
      if (!isWritable(struct)) field.set(struct, before);
    }
    if (variant == Variant.UNKNOWN_TAGS) {
      struct.unknownTaggedFields().add(new RawTaggedField(1000, new byte[] {1, 2, 3}));
      if (!isWritable(struct)) struct.unknownTaggedFields().clear();
    }
    return struct;
  }

  private boolean isWritable(Message struct) {
    try {
      write(struct, version);
      // Kafka keeps many structs in hash sets, where their keys may not be null.
      struct.hashCode();
      return true;
    } catch (UnsupportedVersionException | NullPointerException refused) {
      return false;
    }
  }

  private Object valueOf(Type type) throws Exception {
    int number = ++counter;
    boolean extreme = variant == Variant.EXTREME;
    boolean odd = number % 2 == 1;
    if (type == boolean.class) return !extreme || odd;
    if (type == byte.class) return extreme ? (odd ? Byte.MAX_VALUE : Byte.MIN_VALUE) : (byte) (number % 100 + 2);
    if (type == short.class) return extreme ? (odd ? Short.MAX_VALUE : Short.MIN_VALUE) : (short) (number + 300);
    if (type == int.class) return extreme ? (odd ? Integer.MAX_VALUE : Integer.MIN_VALUE) : number + 70_000;
    if (type == long.class) return extreme ? (odd ? SAFE_MAX - 1 : 1 - SAFE_MAX) : number + 5_000_000_000L;
    if (type == Short.class) return valueOf(short.class);
    if (type == Integer.class) return valueOf(int.class);
    if (type == Long.class) return valueOf(long.class);
    if (type == String.class) return extreme ? "größer \uD83C\uDF0D " + "x".repeat(200) + number : "text-" + number;
    if (type == Uuid.class) return new Uuid(extreme ? -1L : 0x0123456789abcdefL, number);
    if (type == byte[].class) return bytes(number);
    if (type == ByteBuffer.class) return ByteBuffer.wrap(bytes(number));
    if (type == BaseRecords.class) return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes(number)));
    if (type instanceof ParameterizedType list) {
      Type element = list.getActualTypeArguments()[0];
      return new ArrayList<>(List.of(valueOf(element), valueOf(element)));
    }
    Class<?> plain = (Class<?>) type;
    if (Collection.class.isAssignableFrom(plain)) return collection(plain);
    return fill(plain);
  }

  private byte[] bytes(int number) {
    byte[] bytes = new byte[variant == Variant.EXTREME ? 300 : 5];
    for (int index = 0; index < bytes.length; index++) bytes[index] = (byte) (number + index);
    return bytes;
  }

  /** A hash set whose element class stands in its superclass's type argument. */
  @SuppressWarnings("unchecked")
  private Object collection(Class<?> type) throws Exception {
    ParameterizedType parent = (ParameterizedType) type.getGenericSuperclass();
    Class<?> element = (Class<?>) parent.getActualTypeArguments()[0];
    Constructor<?> constructor = type.getConstructor();
    Collection<Object> elements = (Collection<Object>) constructor.newInstance();
    for (int index = 0; index < 2; index++) elements.add(fill(element));
    return elements;
  }

  /** Those of the message, in their order: no constants, no links of hash sets, no unknown tags. */
  private static List<Field> fieldsOf(Class<?> type) {
    List<Field> fields = new ArrayList<>();
    for (Field field : type.getDeclaredFields()) {
      boolean internal = Modifier.isStatic(field.getModifiers()) || Modifier.isPrivate(field.getModifiers());
      if (internal) continue;
      field.setAccessible(true);
      fields.add(field);
    }
    return fields;
  }

  private static void appendJson(StringBuilder text, Object value) throws Exception {
    if (value == null || value instanceof Boolean || value instanceof Number) {
      text.append(value);
    } else if (value instanceof String || value instanceof Uuid) {
      text.append('"').append(value).append('"');
    } else if (value instanceof byte[] bytes) {
      text.append('"').append(Base64.getEncoder().encodeToString(bytes)).append('"');
    } else if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      appendJson(text, bytes);
    } else if (value instanceof MemoryRecords records) {
      appendJson(text, records.buffer());
    } else if (value instanceof Collection<?> elements) {
      String separator = "[";
      if (elements.isEmpty()) text.append(separator);
      for (Object element : elements) {
        text.append(separator);
        appendJson(text, element);
        separator = ",";
      }
      text.append(']');
    } else {
      String separator = "{";
      for (Field field : fieldsOf(value.getClass())) {
        text.append(separator).append('"').append(field.getName()).append("\":");
        appendJson(text, field.get(value));
        separator = ",";
      }
      text.append('}');
    }
  }
}
