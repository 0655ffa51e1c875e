package gen

func javascriptClient(*unit) ([]File, error) { return nil, ErrUnknown }

func javascriptServer(*unit) ([]File, error) { return nil, ErrUnknown }
