package DynsvcClient::Values;

# BANNER

# Values as JSON of their types, and back. Perl does not tell numbers from text; the
# interface does. A type is a word (string, int, float, any) or an array:
#
#   [list => TYPE]
#   [mapping => TYPE]
#   [tuple => [TYPE, ...]]
#   [structure => {name => TYPE, ...}]

use 5.030;
use strict;
use warnings;

use B ();
use Exporter qw(import);
use JSON::PP ();
use overload ();
use Scalar::Util qw(blessed looks_like_number reftype);

use DynsvcClient::Error;

our $VERSION   = '0';
our @EXPORT_OK = qw(decoded encoded excerpt json_string parsed);

# What the kinds of types are called in errors.
my %NOUN = (
    string    => 'text',
    int       => 'an integer',
    float     => 'a number',
    any       => 'data',
    list      => 'an array',
    tuple     => 'an array',
    mapping   => 'a hash',
    structure => 'a hash',
);

# Numbers that Perl cannot hold are read as text.
my $LONG   = qr/\A-?[0-9]{16,}\z/a;
my $NUMBER = qr/\A-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?\z/a;

# How a scalar is written, and how it is known when it comes back. Undef is for what
# does not fit.
my %WRITE = (string => \&json_text, int => \&json_integer, float => \&json_number);
my %READ  = (
    string => sub { return !ref $_[0] && !is_number($_[0]) ? $_[0] : undef },
    int    => sub {
        my ($value) = @_;
        return $value ? 1 : 0 if JSON::PP::is_bool($value);
        my $fits = is_number($value) ? $value == int $value : $value =~ $LONG;
        return $fits ? $value : undef;
    },
    float => sub { return is_number($_[0]) || $_[0] =~ $LONG ? $_[0] : undef },
);

# encoded writes a value as JSON of its type, still in characters. The path is for
# the error of what does not fit.
sub encoded {
    my ($value, $type, $path) = @_;
    return 'null' if !defined $value;
    if (my $write = $WRITE{$type}) {
        return $write->($value) // misfit($type, $value, $path);
    }
    return json_any($value, $path) if $type eq 'any';
    my ($kind, $part) = @{$type};
    if ($kind eq 'list' && is_array($value)) {
        my ($write, $i) = ($WRITE{$part}, -1);
        return '[' . join(',', map { $i++; $write && defined && $write->($_) // encoded($_, $part, "$path\[$i]") } @{$value}) . ']';
    }
    if ($kind eq 'tuple' && is_array($value)) {
        @{$value} == @{$part}
            or DynsvcClient::TypeError->throw("$path: expected a tuple of " . @{$part} . ' elements, found ' . @{$value});
        return '[' . join(',', map { encoded($value->[$_], $part->[$_], "$path\[$_]") } 0 .. $#{$part}) . ']';
    }
    if ($kind eq 'mapping' && is_hash($value)) {
        return '{' . join(',', map { json_string($_) . ':' . encoded($value->{$_}, $part, "$path\{$_}") } sort keys %{$value}) . '}';
    }
    if ($kind eq 'structure' && is_hash($value)) {
        return '{' . join(',', map { json_string($_) . ':' . encoded($value->{$_}, $part->{$_} // 'any', "$path\{$_}") } sort keys %{$value}) . '}';
    }
    return misfit($kind, $value, $path);
}

sub misfit {
    my ($kind, $value, $path) = @_;
    DynsvcClient::TypeError->throw("$path: expected $NOUN{$kind}, found " . described($value));
}

sub is_array {
    my ($value) = @_;
    return ref $value eq 'ARRAY' || blessed $value && reftype($value) eq 'ARRAY';
}

sub is_hash {
    my ($value) = @_;
    return ref $value eq 'HASH' || blessed $value && reftype($value) eq 'HASH' && !is_big($value);
}

sub is_big {
    my ($value) = @_;
    return blessed $value && ($value->isa('Math::BigInt') || $value->isa('Math::BigFloat'));
}

sub described {
    my ($value) = @_;
    return 'a reference to ' . ref $value if ref $value;
    return $value eq '' ? q{''} : q{'} . excerpt($value) . q{'};
}

# excerpt is the beginning of a text, for errors.
sub excerpt {
    my ($text) = @_;
    return 'nothing' if $text eq '';
    return length $text > 200 ? substr($text, 0, 200) . '...' : $text;
}

my %ESCAPE = ("\n" => '\n', "\r" => '\r', "\t" => '\t', '"' => '\"', '\\' => '\\\\');

sub json_string {
    my ($text) = @_;
    $text =~ s{(["\\\x00-\x1f\x7f\x{d800}-\x{dfff}])}{$ESCAPE{$1} // sprintf '\u%04x', ord $1}ge;
    return '"' . $text . '"';
}

sub json_text {
    my ($value) = @_;
    return !ref $value || blessed $value && overload::Method($value, '""') ? json_string("$value") : undef;
}

# numeric says that a scalar was made as a number or as a truth value.
sub numeric {
    my ($value) = @_;
    return B::svref_2object(\$value)->FLAGS & (B::SVf_IOK | B::SVf_NOK);
}

# is_number says that it was made as a number alone, as those of JSON are.
sub is_number {
    my ($value) = @_;
    return 0 if ref $value;
    my $flags = B::svref_2object(\$value)->FLAGS;
    return $flags & (B::SVf_IOK | B::SVf_NOK) && !($flags & B::SVf_POK);
}

sub is_truth {
    my ($value) = @_;
    return ref $value && (JSON::PP::is_bool($value) || ref $value eq 'SCALAR' && (${$value} eq '1' || ${$value} eq '0'));
}

sub truth {
    my ($value) = @_;
    return ref $value eq 'SCALAR' ? ${$value} : $value;
}

sub json_integer {
    my ($value) = @_;
    if (ref $value) {
        return truth($value) ? '1' : '0' if is_truth($value);
        return if !blessed $value;
    }
    my $text = "$value";
    return $text if $text =~ /\A-?(?:0|[1-9][0-9]*)\z/a;
    return '0' if $text eq '' && !ref $value && numeric($value);    # what comparisons give for false
    return sprintf '%.0f', $value if looks_like_number($value) && $value == int $value && abs $value < 2**63;
    return;
}

sub json_number {
    my ($value) = @_;
    return if ref $value && (!blessed $value || is_truth($value));
    my $text = "$value";
    return $text if $text =~ $NUMBER && (ref $value || $text == $value);
    # Perl prints fewer digits than a number has.
    return sprintf '%.17g', $value if looks_like_number($value) && $value == $value && abs $value != 9**9**9;
    return;
}

# json_any writes what has no type: scalars as what they were made.
sub json_any {
    my ($value, $path) = @_;
    return 'null' if !defined $value;
    my $text;
    if (!ref $value) {
        $text = is_number($value) ? json_number($value) : json_string($value);
    }
    elsif (is_truth($value)) {
        $text = truth($value) ? 'true' : 'false';
    }
    elsif (is_big($value)) {
        $text = json_number($value);
    }
    elsif (is_array($value)) {
        $text = '[' . join(',', map { json_any($value->[$_], "$path\[$_]") } 0 .. $#{$value}) . ']';
    }
    elsif (is_hash($value)) {
        $text = '{' . join(',', map { json_string($_) . ':' . json_any($value->{$_}, "$path\{$_}") } sort keys %{$value}) . '}';
    }
    return $text // misfit('any', $value, $path);
}

# parsed reads JSON that came as bytes; undef where it is none.
sub parsed {
    my ($text) = @_;
    return eval { JSON::PP->new->utf8->allow_nonref->max_depth(10_000)->decode($text) };
}

# decoded holds a value against its type. Truth values where the interface has
# integers become numbers; the rest stays as it is. The detail goes into the error.
sub decoded {
    my ($value, $type, $path, %detail) = @_;
    return $value if !defined $value;
    if (my $read = $READ{$type}) {
        return $read->($value) // unlike($type, $value, $path, %detail);
    }
    return $value if $type eq 'any';
    my ($kind, $part) = @{$type};
    if ($kind eq 'list' && ref $value eq 'ARRAY') {
        my $read = $READ{$part};
        for my $i (0 .. $#{$value}) {
            next if !defined $value->[$i];
            $value->[$i] = $read && $read->($value->[$i]) // decoded($value->[$i], $part, "$path\[$i]", %detail);
        }
        return $value;
    }
    if ($kind eq 'tuple' && ref $value eq 'ARRAY' && @{$value} >= @{$part}) {
        $value->[$_] = decoded($value->[$_], $part->[$_], "$path\[$_]", %detail) for 0 .. $#{$part};
        return $value;
    }
    if ($kind eq 'mapping' && ref $value eq 'HASH') {
        $value->{$_} = decoded($value->{$_}, $part, "$path\{$_}", %detail) for keys %{$value};
        return $value;
    }
    if ($kind eq 'structure' && ref $value eq 'HASH') {
        $value->{$_} = decoded($value->{$_}, $part->{$_}, "$path\{$_}", %detail) for grep { $part->{$_} } keys %{$value};
        return $value;
    }
    return unlike($kind, $value, $path, %detail);
}

sub unlike {
    my ($kind, $value, $path, %detail) = @_;
    DynsvcClient::TransportError->throw("$path: expected $NOUN{$kind}, found " . described($value), %detail);
}

1;
