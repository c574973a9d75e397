import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.ClientInterceptors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Calls a method by grpc-java over Netty, as bench/clients/README.md says. */
public final class Client {
  private static final Metadata.Key<String> TRACE = Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> TOKEN = Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** Messages are bytes already. */
  private static final MethodDescriptor.Marshaller<byte[]> RAW =
      new MethodDescriptor.Marshaller<>() {
        public InputStream stream(byte[] message) {
          return new ByteArrayInputStream(message);
        }

        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        }
      };

  public static void main(String[] args) throws Exception {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    MethodDescriptor<byte[], byte[]> method =
        MethodDescriptor.<byte[], byte[]>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(args[1].substring(1))
            .setRequestMarshaller(RAW)
            .setResponseMarshaller(RAW)
            .build();
    List<byte[]> requests = Files.readAllLines(Path.of(args[2])).stream().map(HexFormat.of()::parseHex).toList();
    int calls = Integer.parseInt(args[3]);
    AtomicInteger begun = new AtomicInteger();
    Map<Integer, Integer> counts = new TreeMap<>();
    Thread[] callers = new Thread[Integer.parseInt(args[4])];
    for (int i = 0; i < callers.length; i++) {
      callers[i] =
          new Thread(
              () -> {
                for (int n = begun.getAndIncrement(); n < calls; n = begun.getAndIncrement()) {
                  int code = call(channel, method, requests.get(n % requests.size()), args[5]);
                  synchronized (counts) {
                    counts.merge(code, 1, Integer::sum);
                  }
                }
              });
      callers[i].start();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    System.out.println(
        counts.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\": " + entry.getValue())
            .collect(Collectors.joining(", ", "{", "}")));
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }

  private static int call(
      ManagedChannel channel, MethodDescriptor<byte[], byte[]> method, byte[] request, String token) {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    Metadata headers = new Metadata();
    headers.put(TRACE, String.format("00-%016x%016x-%016x-01", random.nextLong(), random.nextLong(), random.nextLong()));
    headers.put(TOKEN, token);
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS);
    try {
      ClientCalls.blockingUnaryCall(
          ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(headers)), method, options, request);
      return 0;
    } catch (StatusRuntimeException error) {
      return error.getStatus().getCode().value();
    }
  }
}
