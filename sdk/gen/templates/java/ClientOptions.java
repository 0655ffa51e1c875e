package dynsvcclient.runtime;

import java.time.Duration;
import java.util.Set;

/** Where the service is and how it is called. All that is not set has a good value. */
public final class ClientOptions {
    String url = System.getenv("DYNSVC_URL");
    String token;
    String version;
    Duration timeout = Duration.ofMinutes(5);
    Duration connectTimeout = Duration.ofSeconds(10);
    Duration retryFor = Duration.ofMinutes(1);
    Set<String> idempotent = Set.of();

    /** Options as they are unless set. */
    public ClientOptions() {}

    ClientOptions(ClientOptions other) {
        url = other.url;
        token = other.token;
        version = other.version;
        timeout = other.timeout;
        connectTimeout = other.connectTimeout;
        retryFor = other.retryFor;
        idempotent = other.idempotent;
    }

    /**
     * Sets where dynsvc is. Unless set: the environment variable DYNSVC_URL.
     *
     * @param url begins with http:// or https://
     * @return the options
     */
    public ClientOptions url(String url) {
        this.url = url;
        return this;
    }

    /**
     * Sets the token that is sent with every call, as it is.
     *
     * @param token null: calls are anonymous
     * @return the options
     */
    public ClientOptions token(String token) {
        this.token = token;
        return this;
    }

    /**
     * Sets which version of the module is called.
     *
     * @param version a tag, a version, a range of versions or a commit
     * @return the options
     */
    public ClientOptions version(String version) {
        this.version = version;
        return this;
    }

    /**
     * Sets how long a request may take in all, with what is tried again. Unless set: 5 minutes.
     *
     * @param timeout zero: as long as it takes
     * @return the options
     */
    public ClientOptions timeout(Duration timeout) {
        this.timeout = timeout;
        return this;
    }

    /**
     * Sets how long it may take to reach the server. Unless set: 10 seconds.
     *
     * @param connectTimeout more than zero
     * @return the options
     */
    public ClientOptions connectTimeout(Duration connectTimeout) {
        this.connectTimeout = connectTimeout;
        return this;
    }

    /**
     * Sets how long a request is tried again that certainly has not run: nobody listened, or the
     * server asked to come back. Unless set: one minute.
     *
     * @param retryFor zero: it is not tried again
     * @return the options
     */
    public ClientOptions retryFor(Duration retryFor) {
        this.retryFor = retryFor;
        return this;
    }

    /**
     * Names functions that may run twice. They are also tried again when it is not known whether they
     * ran. Submitting a job is always safe: it is known by a key.
     *
     * @param functions in the words of the interface
     * @return the options
     */
    public ClientOptions idempotent(String... functions) {
        this.idempotent = Set.of(functions);
        return this;
    }
}
