package dynsvcclient.runtime;

import com.fasterxml.jackson.databind.JsonNode;

/** What the service, or dynsvc in its place, says is wrong. */
public final class RpcException extends CallException {
    private static final long serialVersionUID = 1L;

    private final int code;
    private final String name;
    private final JsonNode data;

    RpcException(int code, String name, String message, JsonNode data, int status, String requestId) {
        super(message, null, status, requestId);
        this.code = code;
        this.name = name;
        this.data = data;
    }

    /**
     * The code of JSON-RPC.
     *
     * @return the code, or 0 where the error is not one of a function
     */
    public int getCode() {
        return code;
    }

    /**
     * The kind of the error; of a job its state, failed or dead.
     *
     * @return the name, which may be empty
     */
    public String getName() {
        return name;
    }

    /**
     * More about the error, often a text.
     *
     * @return the data, or null where there is nothing
     */
    public JsonNode getData() {
        return data;
    }

    @Override
    public String toString() {
        String request = getRequestId() == null ? "" : " (request " + getRequestId() + ")";
        return (name + " " + code).trim() + ": " + getMessage() + request;
    }
}
