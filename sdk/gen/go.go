package gen

func goClient(*unit) ([]File, error) { return nil, ErrUnknown }

func goServer(*unit) ([]File, error) { return nil, ErrUnknown }
