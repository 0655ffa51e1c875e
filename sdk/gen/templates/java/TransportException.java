package dynsvcclient.runtime;

/** There is no answer, or one that is not understood. */
public class TransportException extends CallException {
    private static final long serialVersionUID = 1L;

    TransportException(String message, Throwable cause) {
        super(message, cause, 0, null);
    }

    TransportException(String message, Throwable cause, int status, String requestId) {
        super(message, cause, status, requestId);
    }
}
