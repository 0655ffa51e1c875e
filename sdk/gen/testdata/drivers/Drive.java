// Uses the client of Everything and prints what each step gives; see drive_test.go.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dynsvc.everything.Client;
import dynsvc.everything.Empty;
import dynsvc.everything.Error;
import dynsvc.everything.EverythingClient;
import dynsvc.everything.EverythingJob;
import dynsvc.everything.Hard;
import dynsvc.everything.Inner;
import dynsvc.everything.Record;
import dynsvc.everything.Reference;
import dynsvc.everything.Region;
import dynsvc.everything.Row;
import dynsvc.everything.Tuple2;
import dynsvc.everything.Words;
import dynsvc.everything.runtime.CallTimeoutException;
import dynsvc.everything.runtime.CancelledException;
import dynsvc.everything.runtime.ClientOptions;
import dynsvc.everything.runtime.Job;
import dynsvc.everything.runtime.JobStatus;
import dynsvc.everything.runtime.Json;
import dynsvc.everything.runtime.RpcException;
import dynsvc.everything.runtime.TransportException;
import dynsvc.everything.runtime.WaitOptions;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Timer;
import java.util.TimerTask;
import java.util.concurrent.Callable;

public final class Drive {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Drive() {}

    private static void show(String step, Object value) {
        OUT.println(step + "\t" + Json.text(value));
    }

    private static void step(String name, Callable<?> call) throws Exception {
        Object value;
        try {
            value = call.call();
        } catch (RpcException e) {
            ObjectNode error = JsonNodeFactory.instance.objectNode();
            error.put("error", "rpc").put("code", e.getCode()).put("name", e.getName()).put("message", e.getMessage());
            error.set("data", e.getData());
            value = error.put("status", e.getStatus()).put("request_id", e.getRequestId() != null);
        } catch (CallTimeoutException e) {
            value = Map.of("error", "timeout");
        } catch (CancelledException e) {
            value = Map.of("error", "cancelled");
        } catch (TransportException e) {
            value = Map.of("error", "transport", "status", e.getStatus());
        }
        show(name, value);
    }

    private static Callable<?> nothing(Runnable call) {
        return () -> {
            call.run();
            return null;
        };
    }

    private static ClientOptions options() {
        return new ClientOptions().token("secret");
    }

    private static EverythingClient version(String version) {
        return new EverythingClient(options().version(version));
    }

    private static Inner inner(String name, long good) {
        return new Inner().setName(name).setGood(good);
    }

    private static JsonNode any(String json) {
        return Json.parse(json, JsonNode.class);
    }

    private static Record record() {
        return new Record()
                .setNumber(-1234567890123L)
                .setFraction(0.25)
                .setText("\"q\" \\ \n \u00fcn\u00efcode \u8bd5\u9a8c </script>")
                .setAny(any("{\"a\": [1, null, \"x\", {\"b\": true}], \"empty\": {}}"))
                .setStrings(List.of("a"))
                .setMatrix(List.of(List.of(1.5, -2.0), List.of()))
                .setLabels(Map.of("k-1", "v"))
                .setGroups(Map.of("1", List.of(inner("n", 1))))
                .setNested(Map.of("a", Map.of("b", new Region("s", 1L, 2L))))
                .setPair(new Tuple2<>("p", 2L))
                .setPairs(List.of(new Tuple2<>("x", inner("y", 0))))
                .setRegion(new Region("s1", 10L, 20L))
                .setInner(inner("in", 1))
                .setInners(List.of())
                .setLengths(Map.of("s1", 5L))
                .setReference(new Reference().setWorkspace("w").setObjectId(7L));
    }

    private static Record full() {
        return record()
                .setMaybe("")
                .setMaybeNumber(0L)
                .setMaybeFlag(1L)
                .setMaybeList(List.of())
                .setMaybeMap(Map.of("a", 0.5))
                .setMaybeInner(inner("", 0))
                .setMaybeRegion(new Region("s2", 0L, 0L))
                .setMaybeAny(Json.of(List.of(1)))
                .setClassValue("c");
    }

    private static Words words() {
        return new Words()
                .setClassValue("1").setDef("2").setFunc("3").setFunction("4").setImport("5").setFrom("6").setType("7")
                .setInterface("8").setPackage("9").setReturn("10").setSelf("11").setThis("12").setNew("13").setDefault("14")
                .setIn("15").setIs("16").setLambda("17").setMy("18").setSub("19").setNext("20").setRepeat("21")
                .setHashCode("22").setNone("23");
    }

    private static Hard hard() {
        return new Hard()
                .setFooBar("1").setFooBarValue("2").setFooBarValue2("3").setFooBarValue3("4").setFooBarValue4("5")
                .setUrl("6").setGenomeId("7").setX1Y2("8");
    }

    public static void main(String[] args) throws Exception {
        EverythingClient c = new EverythingClient(options());

        // What comes back is of the class that went, and equal to it.
        step("echo_record", () -> same(record(), c.echoRecord(record())));
        step("echo_record_full", () -> same(full(), c.echoRecord(full())));
        step("echo_words", () -> same(words(), c.echoWords(words())));
        step("echo_hard", () -> same(hard(), c.echoHard(hard())));
        step("echo_types", () -> c.echoTypes(
                new Client().setId("c"), new EverythingJob().setId("j"), "s",
                List.of(new EverythingJob().setId("l")), new Error().setMessage("m")));
        step("echo_scalars", () -> c.echoScalars(1234567890123L, 0.5, "it's", 1L));
        step("echo_any", () -> c.echoAny(any("{\"deep\": [1, 2.5, {\"x\": null}], \"list\": []}")));
        step("echo_any_text", () -> c.echoAny(Json.of("text")));
        step("echo_lists", () -> c.echoLists(
                List.of("one"), List.of(List.of(1L, 2L), List.of()), Map.of("x", List.of(0.5), "y", List.of())));
        step("echo_lists_nil", () -> c.echoLists(new ArrayList<>(), new ArrayList<>(), Map.of()));
        step("echo_rows", () -> c.echoRows(List.of(
                new Row("a", 1L, 0.5, List.of(new Region("s", 1L, 2L), new Region("t", 3L, 4L))),
                new Row("b", 2L, 1.5, List.of()))));
        step("echo_tuple", () -> same(new Tuple2<>("n", inner("i", 1)), c.echoTuple(new Tuple2<>("n", inner("i", 1)))));
        step("echo_empty", () -> c.echoEmpty(new Empty()));
        step("echo_reference", () -> c.echoReference(new Reference().setWorkspace("w").setObjectId(9007199254740991L)));
        step("count", c::count);
        step("forget", nothing(() -> c.forget("it")));
        step("nothing", nothing(c::nothing));
        step("unnamed", () -> c.unnamed(1L, 2L, "x", inner("i", 0), List.of()));
        step("middle", () -> middle(c));
        step("import", () -> c.callImport("a", "b", "c", "d", 5L));
        step("close", () -> c.close("a", "b", "c", "d", "e", "f"));
        step("whoami", c::whoami);
        step("version", () -> version(">=1.0 <2/x").withTimeout(Duration.ZERO).count());
        step("slow_sync", () -> same(record(), c.slow(0L, "")));

        step("fail", () -> c.fail(17L, "it's \"wrong\""));
        step("whoami_nobody", () -> new EverythingClient().whoami());
        step("nowhere", () -> version("nowhere").count());
        step("nowhere_job", () -> version("nowhere").submitSlowNothing(1L));
        step("full", () -> version("full").count());
        step("html", () -> version("html").count());
        step("moved", () -> version("moved").count());
        step("liar", () -> version("liar").count());
        step("stuck", () -> version("stuck").withTimeout(Duration.ofMillis(500)).count());
        step("closed", () -> new EverythingClient(
                options().url(System.getenv("CLOSED_URL")).retryFor(Duration.ofMillis(500))).count());

        step("busy", () -> version("busy").count());
        step("broken", () -> version("broken").count());
        step("idempotent", () -> new EverythingClient(options().version("broken-idempotent").idempotent("count")).count());

        List<Double> fractions = new ArrayList<>();
        step("run_slow", () -> c.runSlow(3L, "", new WaitOptions().progress(status -> {
            if (status.getProgress() != null) {
                fractions.add(status.getProgress());
            }
        })));
        List<Double> sorted = new ArrayList<>(fractions);
        sorted.sort(null);
        show("run_progress", !fractions.isEmpty() && sorted.equals(fractions));
        step("run_pair", () -> c.runSlowPair(1L));
        step("run_nothing", nothing(() -> c.runSlowNothing(1L)));
        step("run_count", c::runCount);

        Job<Record> job = c.submitSlow(1L, "");
        show("job_id", !job.getId().isEmpty());
        step("job_wait", job::await);
        step("job_again", job::await);
        step("job_done", () -> job.check().getState());
        step("job_reopened", () -> c.jobSlow(job.getId()).await());

        Job<Record> held = c.submitSlow(1L, "hold");
        JobStatus now = held.check();
        show("job_running", !now.isFinished() && Arrays.asList("queued", "running").contains(now.getState()));
        step("job_timeout", () -> held.await(new WaitOptions().timeout(Duration.ofMillis(300))));
        held.cancel();
        step("job_cancel", held::await);
        step("job_failed", () -> c.runSlow(1L, "fail"));
        step("job_dead", () -> c.runSlow(1L, "die"));
        step("job_broken", () -> version("broken-job").runSlowPair(1L));

        Thread thread = Thread.currentThread();
        new Timer(true).schedule(
                new TimerTask() {
                    @Override
                    public void run() {
                        thread.interrupt();
                    }
                },
                300);
        step("run_stopped", () -> version("stopped").runSlow(1L, "hold"));
        // A real service is not stopped there: nothing waits until the interrupt.
        if (!Thread.interrupted() && System.getenv("DYNSVC_TEST_URL") == null) {
            throw new AssertionError("the thread does not know any more that it was interrupted");
        }
    }

    private static <T> T same(T sent, T came) {
        if (!sent.equals(came) || sent.hashCode() != came.hashCode()) {
            throw new AssertionError("sent " + sent + ", came " + came);
        }
        return came;
    }

    @SuppressWarnings("deprecation")
    private static Region middle(EverythingClient c) {
        return c.middle(List.of(new Region("l", 1L, 2L), new Region("m", 5L, 6L), new Region("r", 7L, 8L)));
    }
}
