package dynsvcclient.runtime;

/** Time was up. What was asked for may still happen. */
public final class CallTimeoutException extends TransportException {
    private static final long serialVersionUID = 1L;

    CallTimeoutException(String message) {
        super(message, null);
    }
}
