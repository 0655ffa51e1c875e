package dynsvcclient.runtime;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;

/**
 * What a function returns, and how it is read from the list that comes back.
 *
 * @param <T> the type
 */
public final class Returns<T> {
    private final JavaType type;
    private final int count;

    private Returns(JavaType type, int count) {
        this.type = type;
        this.count = count;
    }

    /**
     * A function that returns nothing.
     *
     * @return null, always
     */
    public static Returns<Void> nothing() {
        return new Returns<>(null, 0);
    }

    /**
     * A function that returns one value.
     *
     * @param <T> its type
     * @param type its type
     * @return that value
     */
    public static <T> Returns<T> one(TypeReference<T> type) {
        return new Returns<>(Json.type(type), 1);
    }

    /**
     * A function that returns several values.
     *
     * @param <T> the type of all of them
     * @param type the type of all of them
     * @param count how many there are
     * @return all of them
     */
    public static <T> Returns<T> all(TypeReference<T> type, int count) {
        return new Returns<>(Json.type(type), count);
    }

    T read(JsonNode list, int status, String requestId) {
        if (count == 0) {
            return null;
        }
        if (list.isNull() && count == 1) {
            return null;
        }
        if (!list.isArray() || list.size() != count) {
            String what = list.isArray() ? "a list of " + list.size() : "no list";
            throw new TransportException(
                    "the result is not what the interface says: want a list of " + count + ", have " + what,
                    null, status, requestId);
        }
        JsonNode value = count == 1 ? list.get(0) : list;
        if (value.isNull() && !type.hasRawClass(JsonNode.class)) {
            return null;
        }
        try {
            return Json.read(value, type);
        } catch (IOException e) {
            throw new TransportException(
                    "the result is not what the interface says: " + e.getMessage(), e, status, requestId);
        }
    }
}
