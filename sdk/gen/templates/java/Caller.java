package dynsvcclient.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Makes requests for a client and its jobs. It may be used from many threads at once. */
public final class Caller {
    private static final String AGENT = "dynsvc-client-java/0";
    private static final long FOREVER = Long.MAX_VALUE / 4; // milliseconds

    private final String module;
    private final ClientOptions options;
    private final String base;
    private final HttpClient http;

    /**
     * A caller for one module.
     *
     * @param module the name of the module
     * @param version what is called unless the options say so; empty: the server's choice
     * @param options where the service is and how it is called
     */
    public Caller(String module, String version, ClientOptions options) {
        this.module = module;
        this.options = new ClientOptions(options);
        if (options.version == null) {
            this.options.version = version;
        }
        if (options.url == null || options.url.isEmpty()) {
            throw new IllegalArgumentException(
                    "the address of dynsvc is not known: set the url of the options, or DYNSVC_URL");
        }
        if (!options.url.matches("(?i)https?://[^/].*")) {
            throw new IllegalArgumentException(
                    options.url + " is no address of dynsvc: it begins with http:// or https:// and has a host");
        }
        base = options.url.replaceAll("/+$", "");
        boolean secure = base.regionMatches(true, 0, "https", 0, 5);
        http =
                HttpClient.newBuilder()
                        .version(secure ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1)
                        .followRedirects(HttpClient.Redirect.NEVER)
                        .connectTimeout(options.connectTimeout)
                        .build();
    }

    private Caller(Caller other, Duration timeout) {
        module = other.module;
        options = new ClientOptions(other.options).timeout(timeout);
        base = other.base;
        http = other.http;
    }

    /**
     * The same caller with another limit.
     *
     * @param timeout how long a request may take in all; zero: as long as it takes
     * @return the caller
     */
    public Caller withTimeout(Duration timeout) {
        return new Caller(this, timeout);
    }

    /**
     * Calls a function and waits for its answer.
     *
     * @param <T> what it returns
     * @param returns what it returns
     * @param function its name
     * @param params its parameters
     * @return what it returns
     */
    public <T> T call(Returns<T> returns, String function, Object... params) {
        String method = module + "." + function;
        Map<String, Object> envelope = new LinkedHashMap<>();
        envelope.put("version", "1.1");
        envelope.put("id", UUID.randomUUID().toString());
        envelope.put("method", method);
        envelope.put("params", params);
        String version = options.version.isEmpty() ? "" : "@" + escape(options.version);
        boolean again = options.idempotent.contains(function);
        Answer answer = ask(method, "POST", "/svc/" + escape(module) + version, Json.text(envelope), null, again);
        if (answer.json == null || !answer.json.has("result")) {
            throw answer.notUnderstood();
        }
        return returns.read(answer.json.get("result"), answer.status, answer.requestId);
    }

    /**
     * Makes a job of a call.
     *
     * @param <T> what the function returns
     * @param returns what the function returns
     * @param function its name
     * @param params its parameters
     * @return the job
     */
    public <T> Job<T> submit(Returns<T> returns, String function, Object... params) {
        String version = options.version.isEmpty() ? "release" : options.version;
        String path =
                String.join(
                        "/", "/api/v1/modules", escape(module), "versions", escape(version), "methods", escape(function), "jobs");
        // The key lets the server know a request that comes again.
        String key = UUID.randomUUID().toString();
        String body = Json.text(Map.of("params", params));
        Answer answer = ask("submit " + module + "." + function, "POST", path, body, key, true);
        if (answer.json == null || !answer.json.path("id").isTextual()) {
            throw answer.notUnderstood();
        }
        return new Job<>(this, answer.json.get("id").textValue(), returns);
    }

    /**
     * Makes a job of a call and waits for its end. If it is given up, the job is cancelled: nobody
     * else knows of it.
     *
     * @param <T> what the function returns
     * @param waiting how to wait
     * @param returns what the function returns
     * @param function its name
     * @param params its parameters
     * @return what the function returns
     */
    public <T> T run(WaitOptions waiting, Returns<T> returns, String function, Object... params) {
        Job<T> job = submit(returns, function, params);
        try {
            return job.await(waiting);
        } catch (RpcException e) {
            throw e;
        } catch (RuntimeException e) {
            boolean interrupted = Thread.interrupted();
            try {
                new Job<>(withTimeout(Duration.ofSeconds(5)), job.getId(), returns).cancel();
            } catch (CallException also) {
                e.addSuppressed(also);
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            throw e;
        }
    }

    /**
     * The handle of a job that was submitted before.
     *
     * @param <T> what the function returns
     * @param returns what the function returns
     * @param id what the job is called
     * @return the job
     */
    public <T> Job<T> job(Returns<T> returns, String id) {
        if (id == null || id.isEmpty()) {
            throw new IllegalArgumentException("a job has an id");
        }
        return new Job<>(this, id, returns);
    }

    /** How long the server may hold a question. */
    Duration patience(int seconds) {
        Duration hold = Duration.ofSeconds(seconds);
        Duration half = options.timeout.dividedBy(2);
        return half.isZero() || hold.compareTo(half) < 0 ? hold : half;
    }

    /** Sends a request, again where that is safe and promises something. */
    Answer ask(String about, String verb, String path, String body, String key, boolean again) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(URI.create(base + path))
                        .header("Accept", "application/json")
                        .header("User-Agent", AGENT);
        if (options.token != null && !options.token.isEmpty()) {
            request.header("Authorization", options.token);
        }
        if (key != null) {
            request.header("Idempotency-Key", key);
        }
        if (body == null) {
            request.method(verb, HttpRequest.BodyPublishers.noBody());
        } else {
            request.header("Content-Type", "application/json");
            request.method(verb, HttpRequest.BodyPublishers.ofString(body));
        }
        long began = System.nanoTime();
        long limit = options.timeout.isZero() ? FOREVER : options.timeout.toMillis();
        long delay = 200;
        while (true) {
            Answer answer = exchange(about, request, limit - since(began));
            long next = answer.next(delay, again);
            long spent = since(began);
            if (next < 0 || spent + next > options.retryFor.toMillis() || spent + next >= limit) {
                if (answer.failure == null) {
                    return answer.checked();
                }
                if (answer.late || spent >= limit) {
                    throw new CallTimeoutException(about + ": no answer within " + options.timeout);
                }
                throw new TransportException(about + ": " + base + ": " + reason(answer.failure), answer.failure);
            }
            pause(next, about);
            delay = Math.min(2 * delay, 5000);
        }
    }

    private static String reason(Throwable failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    private static long since(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }

    private Answer exchange(String about, HttpRequest.Builder request, long left) {
        if (left <= 0) {
            return new Answer(new TimeoutException(), true);
        }
        if (left < FOREVER / 2) {
            request.timeout(Duration.ofMillis(left));
        }
        CompletableFuture<HttpResponse<byte[]>> future =
                http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        try {
            return new Answer(future.get(left, TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
            future.cancel(true);
            return new Answer(e, true);
        } catch (InterruptedException e) {
            future.cancel(true);
            Thread.currentThread().interrupt();
            throw new CancelledException(about + ": the thread was interrupted", null);
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            boolean late = cause instanceof HttpTimeoutException && !(cause instanceof java.net.http.HttpConnectTimeoutException);
            if (cause instanceof IOException) {
                return new Answer(cause, late);
            }
            throw new TransportException(about + ": " + reason(cause), cause);
        }
    }

    static void pause(long milliseconds, String about) {
        if (milliseconds <= 0) {
            return;
        }
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException(about + ": the thread was interrupted", null);
        }
    }

    static String escape(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** The value, or null where it is missing or null. */
    static JsonNode present(JsonNode value) {
        return value == null || value.isMissingNode() || value.isNull() ? null : value;
    }

    /** What came back, or why nothing did. */
    static final class Answer {
        final int status;
        final String requestId;
        final JsonNode json; // null where the body is none
        final Throwable failure; // null where there was an answer
        final boolean late;
        private final String kind;
        private final String retryAfter;
        private final byte[] body;

        Answer(HttpResponse<byte[]> response) {
            status = response.statusCode();
            requestId = response.headers().firstValue("X-Request-Id").orElse(null);
            kind = response.headers().firstValue("Content-Type").orElse("");
            retryAfter = response.headers().firstValue("Retry-After").orElse(null);
            body = response.body();
            json = Json.tree(body);
            failure = null;
            late = false;
        }

        Answer(Throwable failure, boolean late) {
            this.failure = failure;
            this.late = late;
            status = 0;
            requestId = null;
            kind = "";
            retryAfter = null;
            body = new byte[0];
            json = null;
        }

        /** In how many milliseconds another try is worth it, or -1 where it is not. */
        long next(long delay, boolean again) {
            if (failure != null) {
                return refused() || again && !late ? delay : -1;
            }
            if (status == 503 && retryAfter != null) {
                return later(delay);
            }
            return again && status >= 502 && status <= 504 ? delay : -1;
        }

        /** Nobody listened, so nothing has happened. */
        private boolean refused() {
            boolean refused = false;
            for (Throwable e = failure; e != null; e = e.getCause()) {
                if (e instanceof UnresolvedAddressException) {
                    return false;
                }
                refused |= e instanceof ConnectException;
            }
            return refused;
        }

        private long later(long delay) {
            try {
                return retryAfter.matches("[0-9]{1,9}")
                        ? Long.parseLong(retryAfter) * 1000
                        : Math.max(0, Duration.between(Instant.now(), ZonedDateTime.parse(retryAfter, DateTimeFormatter.RFC_1123_DATE_TIME)).toMillis());
            } catch (DateTimeException e) {
                return delay;
            }
        }

        /** Throws the error that the answer may be: of JSON-RPC, or a problem as RFC 9457 has it. */
        Answer checked() {
            boolean problem = kind.startsWith("application/problem+json");
            if (problem && json != null && json.isObject()) {
                throw new RpcException(
                        0, json.path("title").asText(""), json.path("detail").asText(""), json, status, requestId);
            }
            JsonNode error = json == null ? null : json.path("error");
            if (error != null && error.isObject() && !json.has("state")) {
                JsonNode data = present(error.path("data"));
                throw new RpcException(
                        error.path("code").asInt(),
                        error.path("name").asText(""),
                        error.path("message").asText(""),
                        data == null ? present(error.path("error")) : data,
                        status,
                        requestId);
            }
            if (status / 100 != 2 || json == null && body.length > 0) {
                throw notUnderstood();
            }
            return this;
        }

        TransportException notUnderstood() {
            String text = new String(body, 0, Math.min(body.length, 200), StandardCharsets.UTF_8);
            return new TransportException(
                    "HTTP " + status + " with an answer that is not understood: " + text, null, status, requestId);
        }
    }
}
