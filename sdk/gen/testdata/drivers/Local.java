// What the client of Everything does without a server.

import com.fasterxml.jackson.databind.JsonNode;
import dynsvc.everything.EverythingClient;
import dynsvc.everything.Inner;
import dynsvc.everything.Record;
import dynsvc.everything.Region;
import dynsvc.everything.runtime.ClientOptions;
import dynsvc.everything.runtime.Json;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

public final class Local {
    private Local() {}

    private static void same(String what, Object got, Object want) {
        if (!want.equals(got)) {
            throw new AssertionError(what + ": " + got + ", want " + want);
        }
    }

    private static void refused(String what, Callable<?> call, String says) throws Exception {
        Object got;
        try {
            got = call.call();
        } catch (IllegalArgumentException e) {
            if (!e.getMessage().contains(says)) {
                throw new AssertionError(what + ": " + e.getMessage() + ", want " + says);
            }
            return;
        }
        throw new AssertionError(what + ": " + got + ", want an exception");
    }

    public static void main(String[] args) throws Exception {
        same("unknown fields are kept",
                Json.parse("{\"name\":\"n\",\"more\":{\"a\":[1.50]},\"good\":1}", Inner.class).toString(),
                "{\"name\":\"n\",\"good\":1,\"more\":{\"a\":[1.5]}}");
        same("what is missing is null", Json.parse("{}", Inner.class).toString(), "{\"name\":null,\"good\":null}");
        same("and not sent where it is optional", new Record().toString().contains("maybe"), false);
        same("true is 1", Json.parse("{\"good\":true}", Inner.class).getGood(), 1L);
        same("false is 0", Json.parse("{\"good\":false}", Inner.class).getGood(), 0L);
        same("1e3 is an integer", Json.parse("{\"good\":1e3}", Inner.class).getGood(), 1000L);
        same("the largest", Json.parse("{\"good\":9223372036854775807}", Inner.class).getGood(), Long.MAX_VALUE);
        same("an integer is a number", Json.parse("{\"fraction\":1}", Record.class).getFraction(), 1.0);
        same("a tuple", Json.parse("[\"a\",1,null]", Region.class), new Region("a", 1L, null));
        same("null in anything", Json.parse("{\"any\":null}", Record.class).getAny(), Json.of(null));
        same("anything", Json.of(Map.of("a", List.of(1, "x", true))).toString(), "{\"a\":[1,\"x\",true]}");
        same("tuples differ", new Region("a", 1L, 2L).equals(new Region("a", 1L, 3L)), false);
        same("unknown fields count", Json.parse("{\"x\":1}", Inner.class).equals(new Inner()), false);

        refused("1.5 as an integer", () -> Json.parse("{\"good\":1.5}", Inner.class), "Long");
        refused("a text as an integer", () -> Json.parse("{\"good\":\"1\"}", Inner.class), "Long");
        refused("too large", () -> Json.parse("{\"good\":9223372036854775808}", Inner.class), "out of range");
        refused("a number as a text", () -> Json.parse("{\"name\":1}", Inner.class), "String");
        refused("a text as a number", () -> Json.parse("{\"fraction\":\"1\"}", Record.class), "Double");
        refused("a list as a structure", () -> Json.parse("[]", Inner.class), "Inner");
        refused("more than the tuple has", () -> Json.parse("[\"a\",1,2,3]", Region.class), "3");
        refused("an object as a tuple", () -> Json.parse("{}", Region.class), "Region");
        refused("no JSON", () -> Json.parse("{", JsonNode.class), "no JSON");

        refused("no address", () -> new EverythingClient(new ClientOptions().url("")), "DYNSVC_URL");
        refused("another kind of address", () -> new EverythingClient(new ClientOptions().url("ftp://x")), "ftp://x");
        EverythingClient client = new EverythingClient(new ClientOptions().url("http://127.0.0.1:1"));
        refused("a job without id", () -> client.jobSlow(""), "id");
    }
}
