import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.UnsupportedCallbackException;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/**
 * The broker's side of MSK's IAM, as far as its client's side shows it: takes a bearer token that is a presigned URL of
 * kafka-cluster:Connect, not expired, and signed by the one key that it knows. The signature is computed here anew.
 */
public final class PresignedConnect implements AuthenticateCallbackHandler {
    private static final DateTimeFormatter DATE =
        DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);
    private static final String SIGNATURE = "X-Amz-Signature";

    private final String key = System.getProperty("weir.access.key");
    private final String secret = System.getProperty("weir.secret.key");

    private record Token(String value, Long startTimeMs, long lifetimeMs, String principalName) implements OAuthBearerToken {
        @Override
        public Set<String> scope() {
            return Set.of();
        }
    }

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {}

    @Override
    public void close() {}

    @Override
    public void handle(Callback[] callbacks) throws UnsupportedCallbackException {
        for (Callback callback : callbacks) {
            if (callback instanceof OAuthBearerValidatorCallback asked) {
                validate(asked);
            } else if (callback instanceof OAuthBearerExtensionsValidatorCallback asked) {
                asked.inputExtensions().map().keySet().forEach(asked::valid);
            } else {
                throw new UnsupportedCallbackException(callback);
            }
        }
    }

    private void validate(OAuthBearerValidatorCallback asked) {
        try {
            asked.token(token(asked.tokenValue()));
        } catch (Exception error) {
            System.err.println("refused a token: " + error);
            asked.error("invalid_token", null, null);
        }
    }

    private Token token(String value) throws Exception {
        URI url = URI.create(new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8));
        TreeMap<String, String> query = new TreeMap<>();
        for (String parameter : url.getRawQuery().split("&")) {
            String[] parts = parameter.split("=", 2);
            query.put(parts[0], parts[1]);
        }
        expect("weir", URLDecoder.decode(query.remove("User-Agent"), StandardCharsets.UTF_8).split("/")[0]);
        expect("kafka-cluster%3AConnect", query.get("Action"));
        expect("900", query.get("X-Amz-Expires"));
        String[] scope = URLDecoder.decode(query.get("X-Amz-Credential"), StandardCharsets.UTF_8).split("/");
        expect(key, scope[0]);
        expect("https://kafka." + scope[2] + ".amazonaws.com/", url.getScheme() + "://" + url.getHost() + url.getPath());
        expect(signature(url.getHost(), scope, query), query.get(SIGNATURE));
        long start = Instant.from(DATE.parse(query.get("X-Amz-Date"))).toEpochMilli();
        long end = start + 900_000;
        if (Math.abs(System.currentTimeMillis() - start) > 900_000) {
            throw new IllegalArgumentException("it has expired");
        }
        return new Token(value, start, end, scope[0]);
    }

    private String signature(String host, String[] scope, TreeMap<String, String> query) throws Exception {
        StringBuilder canonical = new StringBuilder("GET\n/\n");
        String separator = "";
        for (Map.Entry<String, String> parameter : query.entrySet()) {
            if (!parameter.getKey().equals(SIGNATURE)) {
                canonical.append(separator).append(parameter.getKey()).append('=').append(parameter.getValue());
                separator = "&";
            }
        }
        canonical.append("\nhost:").append(host).append("\n\nhost\n").append(sha256(""));
        String credential = String.join("/", scope[1], scope[2], scope[3], scope[4]);
        String text = "AWS4-HMAC-SHA256\n" + query.get("X-Amz-Date") + "\n" + credential + "\n" + sha256(canonical.toString());
        byte[] signing = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : List.of(scope[1], scope[2], "kafka-cluster", "aws4_request", text)) {
            signing = hmac(signing, part);
        }
        return HexFormat.of().formatHex(signing);
    }

    private static byte[] hmac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(String text) throws Exception {
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest);
    }

    private static void expect(String expected, String found) {
        if (!expected.equals(found)) {
            throw new IllegalArgumentException("expected " + expected + ", found " + found);
        }
    }
}
