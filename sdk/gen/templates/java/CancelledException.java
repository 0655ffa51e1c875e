package dynsvcclient.runtime;

/** The job was cancelled, or the thread that waited for an answer was interrupted. */
public final class CancelledException extends CallException {
    private static final long serialVersionUID = 1L;

    CancelledException(String message, String requestId) {
        super(message, null, 0, requestId);
    }
}
