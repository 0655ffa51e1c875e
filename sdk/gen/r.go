package gen

func rClient(*unit) ([]File, error) { return nil, ErrUnknown }
