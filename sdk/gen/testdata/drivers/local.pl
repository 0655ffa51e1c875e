# What the client of Everything does without a server.

use 5.030;
use strict;
use warnings;

use Everything::Client;
use JSON::PP;
use Math::BigInt;
use Test::More;

my $values = 'Everything::Client::Values';

sub encoded {
    my ($value, $type) = @_;
    my $text = eval { $values->can('encoded')->($value, $type, 'x') };
    return defined $text ? $text : $@->message;
}

my $text = '5';
my $number = 5;
my $printed = "$number";
my @cases = (
    ['a number as text',              5,                         'string', '"5"'],
    ['text as an integer',            '5',                       'int',    '5'],
    ['a large integer',               9_223_372_036_854_775_807, 'int',    '9223372036854775807'],
    ['a larger one as text',          '92233720368547758070',    'int',    '92233720368547758070'],
    ['a larger one as an object',     Math::BigInt->new('92233720368547758070'), 'int', '92233720368547758070'],
    ['an integer in float',           1e15,                      'int',    '1000000000000000'],
    ['false',                         1 == 2,                    'int',    '0'],
    ['true',                          1 == 1,                    'int',    '1'],
    ['nothing',                       undef,                     'int',    'null'],
    ['empty text is no integer',      '',                        'int',    q{x: expected an integer, found ''}],
    ['a fraction is no integer',      1.5,                       'int',    q{x: expected an integer, found '1.5'}],
    ['a word is no integer',          'five',                    'int',    q{x: expected an integer, found 'five'}],
    ['infinity is no integer',        9**9**9,                   'int',    q{x: expected an integer, found 'Inf'}],
    ['all digits of a fraction',      0.1 + 0.2,                 'float',  '0.30000000000000004'],
    ['few digits of a fraction',      0.1,                       'float',  '0.1'],
    ['a small fraction',              1e-300,                    'float',  '1e-300'],
    ['a fraction as text',            '.5',                      'float',  '0.5'],
    ['infinity is no number',         9**9**9,                   'float',  q{x: expected a number, found 'Inf'}],
    ['any: a number',                 5,                         'any',    '5'],
    ['any: text',                     $text,                     'any',    '"5"'],
    ['any: all digits',               0.1 + 0.2,                 'any',    '0.30000000000000004'],
    ['any: true and false',           [\1, \0, JSON::PP::true],  'any',    '[true,false,true]'],
    ['any: code',                     sub { },                   'any',    'x: expected data, found a reference to CODE'],
    ['control characters',            "\0\x7f\x{2028}",          'string', qq{"\\u0000\\u007f\x{2028}"}],
    ['a hash is no text',             {},                        'string', 'x: expected text, found a reference to HASH'],
    ['a hash is no list',             {},                        [list => 'int'], 'x: expected an array, found a reference to HASH'],
    ['in the depth',                  {a => [1, 'b']},           [mapping => [list => 'int']], q(x{a}[1]: expected an integer, found 'b')],
    ['a tuple of another length',     [1],                       [tuple => ['int', 'int']], 'x: expected a tuple of 2 elements, found 1'],
    ['what a structure does not know', {a => 1, b => '1'},       [structure => {a => 'string'}], '{"a":"1","b":"1"}'],
);
is(encoded($_->[1], $_->[2]), $_->[3], $_->[0]) for @cases;

sub decoded {
    my ($json, $type) = @_;
    my $value = eval { $values->can('decoded')->($values->can('parsed')->($json), $type, 'x', status => 200) };
    return $@ ? $@->message : $value;
}

# What came is encoded as anything, which shows what Perl takes it for.
@cases = (
    ['an integer',            '5',                          'int',    '5'],
    ['a truth value',         'true',                       'int',    '1'],
    ['a large integer',       '9223372036854775807',        'int',    '9223372036854775807'],
    ['a larger one',          '-92233720368547758080',      'int',    '"-92233720368547758080"'],
    ['a round number',        '1e3',                        'int',    '1000'],
    ['integers',              '[1,null,false]',             [list => 'int'], '[1,null,0]'],
    ['texts',                 '["1",null]',                 [list => 'string'], '["1",null]'],
    ['a number',              '0.30000000000000004',        'float',  '0.30000000000000004'],
    ['a tuple',               '["1",2]',                    [tuple => ['string', 'int']], '["1",2]'],
    ['unknown keys',          '{"a":true,"b":[true]}',      [structure => {a => 'int'}], '{"a":1,"b":[true]}'],
    ['any',                   '[1.5,"1",{"a":null}]',       'any',    '[1.5,"1",{"a":null}]'],
);
is(encoded(decoded($_->[1], $_->[2]), 'any'), $_->[3], "read $_->[0]") for @cases;
@cases = (
    ['text as an integer',    '"5"',                        'int',    q{x: expected an integer, found '5'}],
    ['a fraction',            '1.5',                        'int',    q{x: expected an integer, found '1.5'}],
    ['a number as text',      '5',                          'string', q{x: expected text, found '5'}],
    ['in a list',             '[1,[]]',                     [list => 'int'], 'x[1]: expected an integer, found a reference to ARRAY'],
    ['a short tuple',         '[1]',                        [tuple => ['int', 'int']], 'x: expected an array, found a reference to ARRAY'],
    ['an array',              '[]',                         [mapping => 'int'], 'x: expected a hash, found a reference to ARRAY'],
    ['in the depth',          '{"a":{"b":"c"}}',            [structure => {a => [mapping => 'float']}], q(x{a}{b}: expected a number, found 'c')],
);
is(decoded($_->[1], $_->[2]), $_->[3], "refuse $_->[0]") for @cases;

my $client = Everything::Client->new(url => 'http://127.0.0.1:1/', retry_time => 0);
sub thrown {
    my ($call) = @_;
    eval { $call->(); 1 } and return 'nothing';
    return ref($@) . ": $@";
}
like(thrown(sub { $client->echo_scalars(1) }), qr/TypeError: echo_scalars has 4 parameters, 1 were given at \S*local[.]pl line \d+/, 'too few arguments');
like(thrown(sub { $client->count(1) }), qr/TypeError: count has 0 parameters, 1 were given; options follow/, 'an odd option');
like(thrown(sub { $client->count(timeuot => 1) }), qr/TypeError: timeuot is no option of this call: there are timeout/, 'an unknown option');
like(thrown(sub { Everything::Client->new(uri => 1) }), qr/TypeError: uri is no option: there are connect_timeout, /, 'an unknown option of the client');
like(thrown(sub { local $ENV{DYNSVC_URL}; Everything::Client->new }), qr/TypeError: give url, or set DYNSVC_URL/, 'no address');
like(thrown(sub { Everything::Client->new(url => 'x') }), qr{TypeError: url x does not begin with http://}, 'an address of another kind');
like(thrown(sub { $client->count }), qr{TransportError: Everything[.]count: http://127[.]0[.]0[.]1:1: .* at \S*local[.]pl line \d+[.]\n\z}, 'nobody there');
like(thrown(sub { $client->job_slow('') }), qr/TypeError: slow: give the id of a job/, 'no job');

done_testing();
