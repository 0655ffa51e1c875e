package forecast

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// form is the first byte of what is stored; another form is refused.
const form = 2

// MarshalBinary writes what is remembered, to be stored.
func (h *History) MarshalBinary() ([]byte, error) { return pack(&h.memory) }

// UnmarshalBinary reads what MarshalBinary wrote.
func (h *History) UnmarshalBinary(data []byte) error {
	*h = History{}
	if err := unpack(data, &h.memory); err != nil {
		return fmt.Errorf("read a history: %w", err)
	}
	for _, word := range h.Busy {
		h.inDay += bits.OnesCount64(word)
	}
	h.match = h.repeats()
	return nil
}

// MarshalBinary writes what is known of all services, to be stored.
func (m *Model) MarshalBinary() ([]byte, error) { return pack(&m.tables) }

// UnmarshalBinary reads what MarshalBinary wrote.
func (m *Model) UnmarshalBinary(data []byte) error {
	if err := unpack(data, &m.tables); err != nil {
		return fmt.Errorf("read a model: %w", err)
	}
	return nil
}

func pack(v any) ([]byte, error) {
	out := bytes.NewBuffer([]byte{form})
	w, err := flate.NewWriter(out, flate.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := binary.Write(w, binary.LittleEndian, v); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unpack leaves v as it is when data is not one whole value.
func unpack(data []byte, v any) error {
	if len(data) == 0 || data[0] != form {
		return errors.New("it has a form that this program does not know")
	}
	raw := make([]byte, binary.Size(v)+1)
	n, err := io.ReadFull(flate.NewReader(bytes.NewReader(data[1:])), raw)
	if !errors.Is(err, io.ErrUnexpectedEOF) || n != len(raw)-1 {
		return fmt.Errorf("it is not whole: %d bytes of %d", n, len(raw)-1)
	}
	_, err = binary.Decode(raw[:n], binary.LittleEndian, v)
	return err
}
