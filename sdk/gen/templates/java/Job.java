package dynsvcclient.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;

/**
 * A call that runs on the server, whoever waits for it.
 *
 * @param <T> what the function returns
 */
public final class Job<T> {
    private static final long SHORTEST = 200; // milliseconds from one question to the next

    private final Caller caller;
    private final String id;
    private final Returns<T> returns;

    Job(Caller caller, String id, Returns<T> returns) {
        this.caller = caller;
        this.id = id;
        this.returns = returns;
    }

    /**
     * What the job is called. With it another program can wait for the job.
     *
     * @return the id
     */
    public String getId() {
        return id;
    }

    /**
     * Asks how far the job is.
     *
     * @return the answer
     */
    public JobStatus check() {
        return check(Duration.ZERO);
    }

    private JobStatus check(Duration hold) {
        String query = hold.isZero() ? "" : "?wait=" + hold.toMillis() + "ms";
        Caller.Answer answer = caller.ask("check job " + id, "GET", path() + query, null, null, true);
        if (answer.json == null || !answer.json.path("state").isTextual()) {
            throw answer.notUnderstood();
        }
        return new JobStatus(answer.json, answer.status, answer.requestId);
    }

    /**
     * Waits until the job is over, as long as it takes.
     *
     * @return what the function returns
     */
    public T await() {
        return await(new WaitOptions());
    }

    /**
     * Waits until the job is over. The job goes on when time is up, and when the thread is
     * interrupted.
     *
     * @param options how long to wait, and who is told of progress
     * @return what the function returns
     */
    public T await(WaitOptions options) {
        long began = System.nanoTime();
        JobStatus last = null;
        while (true) {
            long asked = System.nanoTime();
            Duration hold = caller.patience(options.progress == null ? 30 : 2);
            if (options.timeout != null) {
                Duration left = options.timeout.minusNanos(asked - began);
                if (left.toMillis() <= 0) {
                    throw new CallTimeoutException("job " + id + " is not over after " + options.timeout);
                }
                hold = left.compareTo(hold) < 0 ? left : hold;
            }
            JobStatus status = check(hold);
            if (options.progress != null && !status.same(last)) {
                options.progress.accept(status);
            }
            last = status;
            if (status.isFinished()) {
                return finished(status);
            }
            Caller.pause(SHORTEST - (System.nanoTime() - asked) / 1_000_000, "wait for job " + id);
        }
    }

    private T finished(JobStatus status) {
        String state = status.getState();
        if (state.equals("done")) {
            return returns.read(status.json.path("result"), status.httpStatus, status.requestId);
        }
        if (state.equals("cancelled")) {
            throw new CancelledException("job " + id + " was cancelled", status.requestId);
        }
        JsonNode error = status.json.path("error");
        throw new RpcException(
                error.path("code").asInt(),
                state,
                error.path("message").asText("job " + id + " is " + state),
                Caller.present(error.path("data")),
                status.httpStatus,
                status.requestId);
    }

    /** Stops the job, if it is not over. */
    public void cancel() {
        caller.ask("cancel job " + id, "DELETE", path(), null, null, true);
    }

    private String path() {
        return "/api/v1/jobs/" + Caller.escape(id);
    }
}
