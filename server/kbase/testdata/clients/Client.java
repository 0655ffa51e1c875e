// A client of KBase's dynamic services that does on the wire what the generated Java
// caller does: a look-up before every call with the version always there, the JDK's
// own form Content-Type, an answer read as a stream with an error of strings only.
// Written from a description of the protocol; no line of it is KBase's.

import com.fasterxml.jackson.core.*;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.*;
import java.io.*;
import java.net.*;
import java.util.*;
import java.util.concurrent.Callable;

public class Client {
    static final ObjectMapper mapper = new ObjectMapper();

    static class ServerException extends Exception {
        final Map<String, String> error;
        ServerException(Map<String, String> error) {
            super(error.get("message"));
            this.error = error;
        }
    }

    final String wizard, token;

    Client(String wizard, String token) {
        this.wizard = wizard;
        this.token = token;
    }

    Object rpc(String url, String method, List<Object> params, String version) throws Exception {
        HttpURLConnection conn = (HttpURLConnection) new URL(url).openConnection();
        conn.setConnectTimeout(10000);
        conn.setDoOutput(true);
        conn.setRequestMethod("POST");
        if (token != null) conn.setRequestProperty("Authorization", token);
        String id = ("" + Math.random()).replace(".", "");
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("params", params);
        request.put("method", method);
        request.put("version", "1.1");
        request.put("id", id);
        if (version != null) request.put("context", Map.of("service_ver", version));
        byte[] body = mapper.writeValueAsBytes(request);
        conn.setFixedLengthStreamingMode(body.length);
        try (OutputStream out = conn.getOutputStream()) {
            out.write(body);
        }
        int status = conn.getResponseCode();
        if (status != 200 && status != 500) throw new IOException("status " + status + " " + conn.getResponseMessage());
        Object result = null;
        Map<String, String> error = null;
        try (JsonParser p = mapper.getFactory().createParser(status == 200 ? conn.getInputStream() : conn.getErrorStream())) {
            if (p.nextToken() != JsonToken.START_OBJECT) throw new IOException("not an object");
            while (p.nextToken() == JsonToken.FIELD_NAME) {
                String name = p.getCurrentName();
                p.nextToken();
                if (name.equals("error")) {
                    error = p.readValueAs(new TypeReference<Map<String, String>>() {});
                } else if (name.equals("result")) {
                    if (status == 500) throw new IOException("a result with status 500");
                    result = p.readValueAs(new TypeReference<List<Object>>() {});
                } else {
                    p.skipChildren();
                }
            }
        }
        if (error != null) throw new ServerException(error);
        if (result == null) throw new IOException("An unknown server error occured");
        return ((List<?>) result).get(0);
    }

    Object call(String method, String version, Object... params) throws Exception {
        Map<String, Object> which = new LinkedHashMap<>();
        which.put("module_name", method.substring(0, method.indexOf('.')));
        which.put("version", version);
        Map<?, ?> status = (Map<?, ?>) rpc(wizard, "ServiceWizard.get_service_status", List.of(which), null);
        return rpc((String) status.get("url"), method, Arrays.asList(params), version);
    }

    static Object outcome(Callable<Object> call) {
        try {
            return call.call();
        } catch (ServerException e) {
            Map<String, Object> said = new TreeMap<>();
            said.put("name", e.error.get("name"));
            said.put("code", Integer.parseInt(e.error.get("code")));
            said.put("message", e.error.get("message"));
            said.put("data", Objects.requireNonNullElse(e.error.get("error"), ""));
            return said;
        } catch (Exception e) {
            return e.toString();
        }
    }

    public static void main(String[] args) throws Exception {
        Client client = new Client(args[0], args[1]), nobody = new Client(args[0], null);
        Map<String, Object> said = new TreeMap<>();
        said.put("hello", outcome(() -> client.call("Hello.hello", "dev", "Zo\u00eb")));
        said.put("add", outcome(() -> client.call("hello.add", null, 1, 2)));
        said.put("whoami", outcome(() -> client.call("Hello.whoami", "release")));
        said.put("anonymous", outcome(() -> nobody.call("Hello.whoami", null)));
        said.put("fail", outcome(() -> client.call("Hello.fail", null, "it broke")));
        said.put("module", outcome(() -> client.call("Nobody.hello", null)));
        said.put("version", outcome(() -> client.call("Hello.hello", "7.0.0", 1)));
        said.put("function", outcome(() -> client.call("Hello.nothing", null)));
        System.out.println(mapper.writeValueAsString(said));
    }
}
