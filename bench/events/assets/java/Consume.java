import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** The contestant kafka-clients + pgjdbc: one JSON event a record. Its argument is the stage's file. */
public final class Consume {
  static final class Event {
    @JsonProperty public String id;
    @JsonProperty public long at_ms = -1;
    @JsonProperty public String video;
    @JsonProperty public String viewer;
    @JsonProperty public Integer watched_ms;
  }

  record Author(String origin, UUID incarnation) {}

  static final class Lane {
    final int number;
    final long end;
    long offset;
    long stored;
    long time;
    String after;
    Map<Author, Long> marks = new HashMap<>();
    Map<Author, Long> advanced = new HashMap<>();
    Map<Long, long[]> sums = new HashMap<>();

    Lane(int number, long end, String after) {
      this.number = number;
      this.end = end;
      this.after = after;
    }
  }

  record Mark(Author author, int part, long high, long low) {}

  private final JsonNode stage;
  private final Connection database;
  private final String topic;
  private final String cell;
  private final Lane[] lanes;
  private final ObjectReader reader;
  private int waiting;

  private Consume(JsonNode stage, ObjectMapper mapper) throws Exception {
    this.stage = stage;
    this.topic = stage.get("topic").asText();
    this.cell = stage.get("cell").asText();
    this.reader = mapper.readerFor(Event.class);
    this.lanes = new Lane[stage.get("ends").size()];
    for (int number = 0; number < lanes.length; number++) {
      lanes[number] = new Lane(number, stage.get("ends").get(number).asLong(), stage.get("start").asText());
    }
    Properties login = new Properties();
    login.setProperty("user", stage.get("user").asText());
    login.setProperty("password", stage.get("password").asText());
    String at = "jdbc:postgresql://" + stage.get("host").asText() + ":" + stage.get("postgres_port").asInt() + "/"
        + stage.get("database").asText();
    this.database = DriverManager.getConnection(at, login);
    this.database.setAutoCommit(false);
  }

  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    new Consume(mapper.readTree(new File(arguments[0])), mapper).run();
    System.in.readAllBytes();
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private void run() throws Exception {
    Properties options = new Properties();
    options.put("bootstrap.servers", stage.get("host").asText() + ":" + stage.get("kafka_port").asInt());
    options.put("security.protocol", "SASL_PLAINTEXT");
    options.put("sasl.mechanism", "PLAIN");
    options.put("sasl.jaas.config", "org.apache.kafka.common.security.plain.PlainLoginModule required username=\""
        + stage.get("kafka_user").asText() + "\" password=\"" + stage.get("kafka_password").asText() + "\";");
    options.put("enable.auto.commit", "false");
    options.put("auto.offset.reset", "none");
    options.put("max.poll.records", "2000");
    options.put("max.partition.fetch.bytes", String.valueOf(1024 * 1024));
    options.put("fetch.max.bytes", String.valueOf(16 * 1024 * 1024));
    options.put("key.deserializer", ByteArrayDeserializer.class.getName());
    options.put("value.deserializer", ByteArrayDeserializer.class.getName());
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(options)) {
      List<TopicPartition> places = Arrays.stream(lanes).map(lane -> new TopicPartition(topic, lane.number)).toList();
      consumer.assign(places);
      for (TopicPartition place : places) {
        consumer.seek(place, 0);
      }
      say("reading");
      boolean end = false;
      while (!end) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          take(lanes[record.partition()], record);
        }
        end = Arrays.stream(lanes).allMatch(lane -> lane.offset == lane.end);
        if (waiting >= stage.get("flush_events").asInt() || end) {
          flush();
        }
      }
      say("done");
    }
  }

  private void take(Lane lane, ConsumerRecord<byte[], byte[]> record) throws Exception {
    ByteBuffer stamp = ByteBuffer.wrap(record.headers().lastHeader("stamp").value());
    Author author = new Author(
        StandardCharsets.US_ASCII.decode(stamp.slice(26, stamp.limit() - 26)).toString(),
        new UUID(stamp.getLong(2), stamp.getLong(10)));
    long sequence = stamp.getLong(18);
    lane.offset = record.offset() + 1;
    lane.time = Math.max(lane.time, record.timestamp());
    Long known = lane.advanced.get(author);
    long mark = known != null ? known : lane.marks.getOrDefault(author, 0L);
    if (sequence <= mark) {
      return;
    }
    if (sequence != mark + 1) {
      throw new IllegalStateException("a gap in partition " + lane.number);
    }
    Event event = reader.readValue(record.value());
    check(event);
    lane.advanced.put(author, sequence);
    long[] sums = lane.sums.computeIfAbsent(Long.parseLong(event.video), video -> new long[2]);
    if (event.watched_ms == null) {
      sums[0]++;
    } else {
      sums[1] += event.watched_ms;
    }
    waiting++;
  }

  private static void check(Event event) {
    boolean right = event.id.length() == 36 && event.at_ms >= 0 && event.viewer.length() == 32
        && (event.watched_ms == null || event.watched_ms >= 0 && event.watched_ms <= 120_000);
    if (!right) {
      throw new IllegalArgumentException("a field is out of its bounds");
    }
  }

  private void flush() throws Exception {
    String token = UUID.randomUUID().toString();
    List<Lane> moved = Arrays.stream(lanes).filter(lane -> lane.offset != lane.stored).toList();
    must("positions", moved.size(), token, array("int4", moved.stream().map(lane -> lane.number).toArray()),
        array("int8", moved.stream().map(lane -> lane.offset).toArray()),
        array("int8", moved.stream().map(lane -> lane.time).toArray()),
        array("uuid", moved.stream().map(lane -> UUID.fromString(lane.after)).toArray()), cell, topic);
    List<Mark> fresh = new ArrayList<>();
    List<Mark> known = new ArrayList<>();
    for (Lane lane : moved) {
      lane.advanced.forEach((author, high) -> {
        long low = lane.marks.getOrDefault(author, 0L);
        (low == 0 ? fresh : known).add(new Mark(author, lane.number, high, low));
      });
    }
    if (!fresh.isEmpty()) {
      must("new_marks", fresh.size(), topic, origins(fresh), parts(fresh), incarnations(fresh), highs(fresh));
    }
    if (!known.isEmpty()) {
      must("marks", known.size(), origins(known), parts(known), incarnations(known), highs(known),
          array("int8", known.stream().map(mark -> mark.low).toArray()), topic);
    }
    List<Long> videos = new ArrayList<>();
    List<Long> views = new ArrayList<>();
    List<Long> watched = new ArrayList<>();
    for (Lane lane : moved) {
      lane.sums.forEach((video, sums) -> {
        videos.add(video);
        views.add(sums[0]);
        watched.add(sums[1]);
      });
    }
    String[] regions = new String[videos.size()];
    Arrays.fill(regions, cell);
    must("counts", -1, array("int8", videos.toArray()), array("text", regions), array("int8", views.toArray()),
        array("int8", watched.toArray()));
    must("outbox", 1, topic, array("int8", videos.toArray()));
    database.commit();
    for (Lane lane : moved) {
      lane.stored = lane.offset;
      lane.after = token;
      lane.marks.putAll(lane.advanced);
      lane.advanced = new HashMap<>();
      lane.sums = new HashMap<>();
    }
    waiting = 0;
    say("flushed " + Arrays.stream(lanes).mapToLong(lane -> lane.offset).sum());
  }

  private java.sql.Array origins(List<Mark> marks) throws Exception {
    return array("text", marks.stream().map(mark -> mark.author.origin).toArray());
  }

  private java.sql.Array parts(List<Mark> marks) throws Exception {
    return array("int4", marks.stream().map(mark -> mark.part).toArray());
  }

  private java.sql.Array incarnations(List<Mark> marks) throws Exception {
    return array("uuid", marks.stream().map(mark -> mark.author.incarnation).toArray());
  }

  private java.sql.Array highs(List<Mark> marks) throws Exception {
    return array("int8", marks.stream().map(mark -> mark.high).toArray());
  }

  private java.sql.Array array(String type, Object[] values) throws Exception {
    return database.createArrayOf(type, values);
  }

  private void must(String name, int rows, Object... values) throws Exception {
    String text = stage.get("statements").get(name).asText().replaceAll("\\$[0-9]", "?");
    try (PreparedStatement statement = database.prepareStatement(text)) {
      for (int number = 0; number < values.length; number++) {
        statement.setObject(number + 1, values[number]);
      }
      int done = statement.executeUpdate();
      if (rows >= 0 && done != rows) {
        throw new IllegalStateException("fenced: " + name);
      }
    }
  }
}
