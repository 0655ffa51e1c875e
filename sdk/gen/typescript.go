package gen

func typescriptClient(*unit) ([]File, error) { return nil, ErrUnknown }
