import jakarta.jms.*;
import java.util.HashSet;
import java.util.Set;
import org.apache.qpid.jms.JmsConnectionFactory;

/**
 * Sends persistent messages to a queue and receives them with acknowledgements by the client; the first
 * is recovered once, so that it comes again marked as redelivered. Arguments: address, queue, count.
 */
public final class JmsQueue {
  private static final long WAIT_MS = 30_000;
  /** What is left would come at once. */
  private static final long LEFT_MS = 500;

  public static void main(String[] args) throws JMSException {
    int count = Integer.parseInt(args[2]);
    int sent = 0;
    int received = 0;
    int recovered = 0;
    Set<String> distinct = new HashSet<>();
    try (Connection connection = new JmsConnectionFactory(args[0]).createConnection()) {
      connection.start();
      Session sending = connection.createSession(Session.AUTO_ACKNOWLEDGE);
      MessageProducer producer = sending.createProducer(sending.createQueue(args[1]));
      producer.setDeliveryMode(DeliveryMode.PERSISTENT);
      for (; sent < count; sent++) {
        TextMessage message = sending.createTextMessage("message " + sent);
        message.setIntProperty("position", sent);
        producer.send(message);
      }
      Session receiving = connection.createSession(Session.CLIENT_ACKNOWLEDGE);
      MessageConsumer consumer = receiving.createConsumer(receiving.createQueue(args[1]));
      while (received < count) {
        TextMessage message = (TextMessage) consumer.receive(WAIT_MS);
        if (message == null) throw new JMSException("nothing more came after " + received);
        if (recovered == 0 && !message.getJMSRedelivered()) {
          receiving.recover();
          message = (TextMessage) consumer.receive(WAIT_MS);
          if (message == null || !message.getJMSRedelivered()) {
            throw new JMSException("what was recovered came as " + message);
          }
          recovered++;
        }
        distinct.add(message.getText() + message.getIntProperty("position"));
        received++;
        message.acknowledge();
      }
      consumer.close();
      MessageConsumer again = receiving.createConsumer(receiving.createQueue(args[1]));
      Message more = again.receive(LEFT_MS);
      if (more != null) throw new JMSException("left behind: " + more.getBody(String.class) + ", redelivered " + more.getJMSRedelivered());
      int left = more == null ? 0 : 1;
      System.out.printf(
          "{\"sent\":%d,\"received\":%d,\"distinct\":%d,\"recovered\":%d,\"left\":%d}%n",
          sent, received, distinct.size(), recovered, left);
    }
  }
}
