package dynsvcclient.runtime;

/** What went wrong with a call. The classes that extend it tell the kinds apart. */
public abstract class CallException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String requestId;

    CallException(String message, Throwable cause, int status, String requestId) {
        super(message, cause);
        this.status = status;
        this.requestId = requestId;
    }

    /**
     * The status of HTTP.
     *
     * @return the status, or 0 where there was no answer
     */
    public int getStatus() {
        return status;
    }

    /**
     * What the request is called in the logs of the server.
     *
     * @return the id, or null where there is none
     */
    public String getRequestId() {
        return requestId;
    }
}
