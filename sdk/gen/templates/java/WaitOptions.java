package dynsvcclient.runtime;

import java.time.Duration;
import java.util.function.Consumer;

/** How to wait for a job. */
public final class WaitOptions {
    Duration timeout;
    Consumer<? super JobStatus> progress;

    /** Waits as long as it takes, and tells nobody. */
    public WaitOptions() {}

    /**
     * Sets how long to wait. After that there is a CallTimeoutException.
     *
     * @param timeout null: as long as it takes
     * @return the options
     */
    public WaitOptions timeout(Duration timeout) {
        this.timeout = timeout;
        return this;
    }

    /**
     * Sets who is told of every change that is seen, in the thread that waits.
     *
     * @param progress null: nobody
     * @return the options
     */
    public WaitOptions progress(Consumer<? super JobStatus> progress) {
        this.progress = progress;
        return this;
    }
}
