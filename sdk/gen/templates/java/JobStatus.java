package dynsvcclient.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Objects;

/** How far a job is. */
public final class JobStatus {
    final JsonNode json;
    final String requestId;
    final int httpStatus;

    JobStatus(JsonNode json, int httpStatus, String requestId) {
        this.json = json;
        this.httpStatus = httpStatus;
        this.requestId = requestId;
    }

    /**
     * What the job is called.
     *
     * @return the id
     */
    public String getId() {
        return json.path("id").asText();
    }

    /**
     * The state: queued, running, done, failed (the function said no), cancelled, or dead (it was
     * tried several times, and its instance lost each time).
     *
     * @return the word
     */
    public String getState() {
        return json.path("state").asText();
    }

    /**
     * Whether the state is for good.
     *
     * @return false while the job is queued or running
     */
    public boolean isFinished() {
        return !getState().equals("queued") && !getState().equals("running");
    }

    /**
     * How much is done.
     *
     * @return from 0 to 1, or null where nothing is known
     */
    public Double getProgress() {
        JsonNode progress = json.path("progress");
        return progress.isNumber() ? progress.doubleValue() : null;
    }

    /**
     * What the job is doing.
     *
     * @return the text, or null where nothing is known
     */
    public String getMessage() {
        return json.path("message").textValue();
    }

    /**
     * How often the job was started.
     *
     * @return the number
     */
    public int getAttempts() {
        return json.path("attempts").asInt();
    }

    boolean same(JobStatus other) {
        return other != null
                && getState().equals(other.getState())
                && getAttempts() == other.getAttempts()
                && Objects.equals(getProgress(), other.getProgress())
                && Objects.equals(getMessage(), other.getMessage());
    }

    @Override
    public String toString() {
        String progress = getProgress() == null ? "" : " " + Math.round(getProgress() * 100) + " %";
        return getState() + progress + (getMessage() == null ? "" : ": " + getMessage());
    }
}
