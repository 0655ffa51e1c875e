package dynsvcclient.runtime;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.IOException;

/** Values as JSON and back. Unlike Jackson by itself it does not take one type for another. */
public final class Json {
    private static final ObjectMapper MAPPER =
            new ObjectMapper()
                    .registerModule(
                            new SimpleModule()
                                    .addDeserializer(Long.class, new LongReader())
                                    .addDeserializer(Double.class, new DoubleReader())
                                    .addDeserializer(String.class, new StringReader()));

    private Json() {}

    /**
     * Makes a value for where the interface allows anything.
     *
     * @param value null, a text, a number, a truth value, a collection or a map of such, or an object
     *     that Jackson knows how to write
     * @return the value
     */
    public static JsonNode of(Object value) {
        return MAPPER.valueToTree(value);
    }

    /**
     * Writes a value.
     *
     * @param value as for {@link #of}, or one of the types of the interface
     * @return JSON
     */
    public static String text(Object value) {
        try {
            return MAPPER.writeValueAsString(value);
        } catch (IOException e) {
            throw new IllegalArgumentException("this cannot be JSON: " + e.getMessage(), e);
        }
    }

    /**
     * Reads JSON as a type.
     *
     * @param <T> the type
     * @param text JSON
     * @param type the type
     * @return the value
     */
    public static <T> T parse(String text, Class<T> type) {
        try {
            return MAPPER.readValue(text, type);
        } catch (IOException e) {
            throw new IllegalArgumentException("this is no JSON of that type: " + e.getMessage(), e);
        }
    }

    static JavaType type(TypeReference<?> type) {
        return MAPPER.constructType(type);
    }

    static <T> T read(JsonNode value, JavaType type) throws IOException {
        return MAPPER.readValue(MAPPER.treeAsTokens(value), type);
    }

    /** Gives null where the body is no JSON. */
    static JsonNode tree(byte[] body) {
        try {
            JsonNode json = MAPPER.readTree(body);
            return json.isMissingNode() ? null : json;
        } catch (IOException e) {
            return null;
        }
    }

    private static final class LongReader extends StdScalarDeserializer<Long> {
        private static final long serialVersionUID = 1L;

        LongReader() {
            super(Long.class);
        }

        @Override
        public Long deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            switch (parser.currentToken()) {
                case VALUE_NUMBER_INT:
                    // The largest long is a big integer to Jackson.
                    if (parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER) {
                        return parser.getLongValue();
                    }
                    if (parser.getBigIntegerValue().bitLength() < 64) {
                        return parser.getBigIntegerValue().longValue();
                    }
                    return (Long) context.handleWeirdNumberValue(
                            Long.class, parser.getBigIntegerValue(), "it is out of range");
                case VALUE_NUMBER_FLOAT:
                    double number = parser.getDoubleValue();
                    if (number == Math.rint(number) && Math.abs(number) < 0x1p63) {
                        return (long) number;
                    }
                    break;
                case VALUE_TRUE:
                    return 1L;
                case VALUE_FALSE:
                    return 0L;
                default:
                    break;
            }
            return (Long) context.handleUnexpectedToken(Long.class, parser);
        }
    }

    private static final class DoubleReader extends StdScalarDeserializer<Double> {
        private static final long serialVersionUID = 1L;

        DoubleReader() {
            super(Double.class);
        }

        @Override
        public Double deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            if (parser.currentToken().isNumeric()) {
                return parser.getDoubleValue();
            }
            return (Double) context.handleUnexpectedToken(Double.class, parser);
        }
    }

    private static final class StringReader extends StdScalarDeserializer<String> {
        private static final long serialVersionUID = 1L;

        StringReader() {
            super(String.class);
        }

        @Override
        public String deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            if (parser.hasToken(JsonToken.VALUE_STRING)) {
                return parser.getText();
            }
            return (String) context.handleUnexpectedToken(String.class, parser);
        }
    }
}
