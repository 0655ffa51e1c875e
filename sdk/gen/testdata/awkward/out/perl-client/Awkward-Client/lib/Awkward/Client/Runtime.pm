package Awkward::Client::Runtime;

use 5.030;
use strict;
use warnings;

use B ();
use Digest::SHA ();
use Errno qw(ECONNREFUSED);
use HTTP::Tiny ();
use JSON::PP ();
use Scalar::Util qw(blessed looks_like_number);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

our $VERSION = '0.0.0';

my $AGENT = 'dynsvc-client-perl/0';

# What the kinds of types are called in errors.
my %NOUN = (
    string    => 'text',
    int       => 'an integer',
    float     => 'a number',
    list      => 'an array',
    tuple     => 'an array',
    mapping   => 'a hash',
    structure => 'a hash',
);

# Numbers that Perl cannot hold are read as text.
my $LONG   = qr/\A-?[0-9]{16,}\z/a;
my $NUMBER = qr/\A-?(?:0|[1-9][0-9]*)(?:[.][0-9]+)?(?:[eE][-+]?[0-9]+)?\z/a;

my %DEFAULT = (
    connect_timeout => 10,
    timeout         => 300,
    retry_time      => 60,
    idempotent      => [],
    verify_SSL      => 1,
);
my %KNOWN = map { $_ => 1 } keys %DEFAULT, qw(url token version);

sub connect_to {
    my ($class, $module, %given) = @_;
    for my $name (sort keys %given) {
        $KNOWN{$name} or Awkward::Client::TypeError->throw("$name is no option: there are " . join ', ', sort keys %KNOWN);
    }
    my %option = %DEFAULT;
    for my $name (grep { defined $given{$_} } keys %given) {
        $option{$name} = $given{$name};
    }
    my $url = $option{url} // $ENV{DYNSVC_URL} // '';
    $url =~ m{\Ahttps?://[^/]}i
        or Awkward::Client::TypeError->throw($url eq '' ? 'give url, or set DYNSVC_URL to where dynsvc is' : "url $url does not begin with http:// or https://");
    $url =~ s{/+\z}{};
    for my $name (qw(connect_timeout timeout retry_time)) {
        looks_like_number($option{$name}) && $option{$name} >= 0
            or Awkward::Client::TypeError->throw("$name is a number of seconds, not $option{$name}");
    }
    my $again = $option{idempotent};
    my $self  = bless {
        %option,
        module     => $module,
        url        => $url,
        idempotent => ref $again ? {map { $_ => 1 } @{$again}} : $again,
    }, $class;
    $self->{http} = Awkward::Client::Runtime::HTTP->new(
        agent        => $AGENT,
        max_redirect => 0,
        verify_SSL   => $option{verify_SSL},
        timeout      => $option{timeout},
    );
    return $self;
}

# call_now calls a function and waits for its answer.
sub call_now {
    my ($self, $function, @given) = @_;
    my ($params, %option) = arguments($function, \@given, qw(timeout));
    my $id      = random_id();
    my $method  = "$self->{module}.$function->{name}";
    my $version = length($self->{version} // '') ? '@' . escape($self->{version}) : '';
    my $reply   = $self->ask(
        'POST',
        '/svc/' . escape($self->{module}) . $version,
        body    => '{"version":"1.1","id":"' . $id . '","method":' . json_string($method) . ',"params":' . $params . '}',
        timeout => $option{timeout},
        again   => $self->may_repeat($function->{name}),
        about   => $method,
    );
    ref $reply->{json} eq 'HASH' && exists $reply->{json}{result}
        or Awkward::Client::TransportError->throw("$method: the answer is no JSON-RPC: " . excerpt($reply->{text}), reply($reply));
    return shape(results($function, $reply->{json}{result}, $reply));
}

# submit makes a job of a call. The key makes sure that a submission which is
# sent twice, because the answer to the first was lost, makes one job.
sub submit {
    my ($self, $function, @given) = @_;
    my ($params, %option) = arguments($function, \@given, qw(timeout));
    my $version = length($self->{version} // '') ? $self->{version} : 'release';
    my $about   = "submit $self->{module}.$function->{name}";
    my $reply   = $self->ask(
        'POST',
        join('/', '/api/v1/modules', escape($self->{module}), 'versions', escape($version), 'methods', escape($function->{name}), 'jobs'),
        body    => '{"params":' . $params . '}',
        headers => {'Idempotency-Key' => random_id()},
        timeout => $option{timeout},
        again   => 1,
        about   => $about,
    );
    my $id = ref $reply->{json} eq 'HASH' ? $reply->{json}{id} : undef;
    length($id // '') && !ref $id
        or Awkward::Client::TransportError->throw("$about: the answer names no job: " . excerpt($reply->{text}), reply($reply));
    return Awkward::Client::Job->new($self, $function, $id);
}

# run makes a job of a call and waits for its end.
sub run {
    my ($self, $function, @given) = @_;
    my (undef, %option) = arguments($function, \@given, qw(timeout progress cancelled));
    my $job = $self->submit($function, @given[0 .. @{$function->{params}} - 1]);
    my @values;
    if (!eval { @values = $job->wait(%option); 1 }) {
        my $error = $@;
        # Nobody else knows of the job: it shall not go on alone.
        eval { $self->ask('DELETE', $job->path, about => 'cancel', timeout => 5, retry_time => 0) } if !$job->{over};
        die $error;
    }
    return shape(@values);
}

# job is the handle of a job that was submitted before.
sub job {
    my ($self, $function, $id) = @_;
    length($id // '') or Awkward::Client::TypeError->throw("$function->{name}: give the id of a job");
    return Awkward::Client::Job->new($self, $function, $id);
}

# may_repeat says whether a call may be sent again after an answer was lost.
sub may_repeat {
    my ($self, $name) = @_;
    my $again = $self->{idempotent};
    return ref $again ? $again->{$name} : $again;
}

# ask sends a request, again where that is safe, and gives the reply as {status,
# request_id, text, json}. Whatever is no success becomes an exception.
sub ask {
    my ($self, $method, $path, %option) = @_;
    my $now         = clock_gettime(CLOCK_MONOTONIC);
    my $timeout     = $option{timeout} // $self->{timeout};
    my $deadline    = $timeout ? $now + $timeout : 9**9**9;
    my $retry_until = $now + ($option{retry_time} // $self->{retry_time});
    $retry_until = $deadline if $deadline < $retry_until;
    my $pause = 0.2;
    while (1) {
        my $reply = $self->exchange($method, $path, $deadline, %option);
        my $wait;
        if ($reply->{status} == 503 && defined $reply->{retry_after}) {
            $wait = $reply->{retry_after} =~ /\A[0-9]+\z/a ? $reply->{retry_after} : $pause;
        }
        elsif ($reply->{refused} || $option{again} && ($reply->{lost} || $reply->{status} =~ /\A50[234]\z/)) {
            $wait  = $pause * (0.5 + rand 1);
            $pause = $pause < 2.5 ? $pause * 2 : 5;
        }
        $now = clock_gettime(CLOCK_MONOTONIC);
        if (defined $wait && $now + $wait < $retry_until) {
            sleep $wait;
            next;
        }
        if ($reply->{lost} && $now > $deadline - 0.01) {
            Awkward::Client::TimeoutError->throw("$option{about}: no answer within $timeout seconds");
        }
        if ($reply->{refused} || $reply->{lost}) {
            Awkward::Client::TransportError->throw("$option{about}: $self->{url}: $reply->{text}", status => 0);
        }
        return checked($reply, $option{about});
    }
}

# exchange sends a request once. It tells apart what was refused, so that nothing
# has happened, and what was lost, so that nobody knows.
sub exchange {
    my ($self, $method, $path, $deadline, %option) = @_;
    my $text    = '';
    my %headers = ('Accept' => 'application/json', %{$option{headers} // {}});
    $headers{Authorization} = $self->{token} if length($self->{token} // '');
    my %request = (
        headers       => \%headers,
        data_callback => sub {
            $text .= $_[0];
            die "the answer takes too long\n" if clock_gettime(CLOCK_MONOTONIC) > $deadline;
        },
    );
    if (defined $option{body}) {
        $headers{'Content-Type'} = 'application/json';
        $request{content} = $option{body};
    }
    my $left = $deadline - clock_gettime(CLOCK_MONOTONIC);
    my $http = $self->{http};
    $http->patience($self->{connect_timeout}, $left > 0.001 ? $left : 0.001);
    my $response = $http->request($method, $self->{url} . $path, \%request);
    $text .= $response->{content} // '';
    if ($response->{status} == 599 && $response->{reason} eq 'Internal Exception') {
        $text =~ s/\s+\z//;
        local $! = ECONNREFUSED;
        return {status => 599, text => $text, index($text, "$!") >= 0 ? (refused => 1) : (lost => 1)};
    }
    return {
        status      => $response->{status},
        reason      => $response->{reason},
        request_id  => $response->{headers}{'x-request-id'},
        retry_after => $response->{headers}{'retry-after'},
        text        => $text,
    };
}

# checked reads the JSON of a reply and throws the error that it may carry: that
# of JSON-RPC, or a problem as RFC 9457 has it.
sub checked {
    my ($reply, $about) = @_;
    my $json = eval { JSON::PP->new->utf8->allow_nonref->max_depth(10_000)->decode($reply->{text}) };
    $reply->{json} = $json;
    my $error = ref $json eq 'HASH' ? $json->{error} : undef;
    my $ok    = $reply->{status} =~ /\A2/;
    if (ref $error eq 'HASH' && exists $error->{code} && !exists $json->{state}) {
        Awkward::Client::RPCError->throw(
            $error->{message} // '',
            code => $error->{code},
            name => $error->{name} // '',
            data => $error->{data} // $error->{error},
            reply($reply),
        );
    }
    return $reply if $ok && ($reply->{text} eq '' || defined $json);
    if (!$ok && ref $json eq 'HASH' && (defined $json->{detail} || defined $json->{title})) {
        $reply->{request_id} //= $json->{request_id};
        Awkward::Client::RPCError->throw(
            $json->{detail} // $json->{title},
            code => 0,
            name => $json->{title} // '',
            data => $json,
            reply($reply),
        );
    }
    Awkward::Client::TransportError->throw("$about: answered $reply->{status} $reply->{reason}: " . excerpt($reply->{text}), reply($reply));
}

sub reply {
    my ($reply) = @_;
    return map { $_ => $reply->{$_} } qw(status request_id);
}

sub excerpt {
    my ($text) = @_;
    return 'nothing' if $text eq '';
    return length $text > 200 ? substr($text, 0, 200) . '...' : $text;
}

# results reads what a function returns.
sub results {
    my ($function, $list, $reply) = @_;
    my $types = $function->{results};
    return if !@{$types};
    ref $list eq 'ARRAY' && @{$list} >= @{$types}
        or Awkward::Client::TransportError->throw("$function->{name}: the answer has not all results of the function: " . excerpt($reply->{text}), reply($reply));
    return map { decoded($list->[$_], $types->[$_], "$function->{name}: result " . ($_ + 1), $reply) } 0 .. $#{$types};
}

# shape is how a function returns its results: nothing, the one, or all of them.
sub shape {
    my (@values) = @_;
    return            if !@values;
    return $values[0] if @values == 1;
    return wantarray ? @values : \@values;
}

# arguments takes a call apart: as many values as the function has parameters,
# then options by name. The values come back as JSON.
sub arguments {
    my ($function, $given, @known) = @_;
    my $types = $function->{params};
    my $n     = @{$types};
    @{$given} >= $n
        or Awkward::Client::TypeError->throw("$function->{name} has $n parameters, " . @{$given} . ' were given');
    my @rest = @{$given}[$n .. $#{$given}];
    @rest % 2 == 0
        or Awkward::Client::TypeError->throw("$function->{name} has $n parameters, " . @{$given} . ' were given; options follow them as names with values');
    my %option = @rest;
    for my $name (sort keys %option) {
        grep { $name eq $_ } @known
            or Awkward::Client::TypeError->throw("$name is no option of this call: there are " . join ', ', @known);
    }
    my @parts = map { encoded($given->[$_], $types->[$_], "$function->{name}: parameter " . ($_ + 1)) } 0 .. $n - 1;
    my $text = '[' . join(',', @parts) . ']';
    utf8::encode($text);
    return ($text, %option);
}

# encoded writes a value as JSON of its type, still in characters. Perl does not
# tell numbers from text; the interface does.
sub encoded {
    my ($value, $type, $path) = @_;
    return 'null' if !defined $value;
    my ($kind, $part) = ref $type ? @{$type} : $type;
    return json_string($value) if $kind eq 'string' && !ref $value;
    return json_integer($value, $path) if $kind eq 'int';
    return json_number($value, $path)  if $kind eq 'float';
    return json_any($value, $path)     if $kind eq 'any';
    return json_string("$value") if $kind eq 'string' && blessed $value && overload::Method($value, '""');
    if ($kind eq 'list' && is_array($value)) {
        return '[' . join(',', map { encoded($value->[$_], $part, "$path\[$_]") } 0 .. $#{$value}) . ']';
    }
    if ($kind eq 'mapping' && is_hash($value)) {
        return '{' . join(',', map { json_string($_) . ':' . encoded($value->{$_}, $part, "$path\{$_}") } sort keys %{$value}) . '}';
    }
    if ($kind eq 'structure' && is_hash($value)) {
        return '{' . join(',', map { json_string($_) . ':' . encoded($value->{$_}, $part->{$_} // 'any', "$path\{$_}") } sort keys %{$value}) . '}';
    }
    if ($kind eq 'tuple' && is_array($value)) {
        @{$value} == @{$part}
            or Awkward::Client::TypeError->throw("$path: expected a tuple of " . @{$part} . ' elements, found ' . @{$value});
        return '[' . join(',', map { encoded($value->[$_], $part->[$_], "$path\[$_]") } 0 .. $#{$part}) . ']';
    }
    Awkward::Client::TypeError->throw("$path: expected $NOUN{$kind}, found " . described($value));
}

sub is_array {
    my ($value) = @_;
    return ref $value eq 'ARRAY' || blessed $value && $value->isa('ARRAY');
}

sub is_hash {
    my ($value) = @_;
    return ref $value eq 'HASH' || blessed $value && Scalar::Util::reftype($value) eq 'HASH' && !$value->isa('Math::BigInt') && !$value->isa('Math::BigFloat');
}

sub described {
    my ($value) = @_;
    return 'a reference to ' . ref $value if ref $value;
    return $value eq '' ? q{''} : q{'} . excerpt($value) . q{'};
}

my %ESCAPE = ("\n" => '\n', "\r" => '\r', "\t" => '\t', '"' => '\"', '\\' => '\\\\');

sub json_string {
    my ($text) = @_;
    $text =~ s{(["\\\x00-\x1f\x7f\x{d800}-\x{dfff}])}{$ESCAPE{$1} // sprintf '\u%04x', ord $1}ge;
    return '"' . $text . '"';
}

# numeric says that a scalar was made as a number or as a truth value.
sub numeric {
    my ($value) = @_;
    my $flags = B::svref_2object(\$value)->FLAGS;
    return $flags & (B::SVf_IOK | B::SVf_NOK);
}

sub is_truth {
    my ($value) = @_;
    return JSON::PP::is_bool($value) || ref $value eq 'SCALAR' && (${$value} eq '1' || ${$value} eq '0');
}

sub json_integer {
    my ($value, $path) = @_;
    return (ref $value eq 'SCALAR' ? ${$value} : $value) ? '1' : '0' if is_truth($value);
    if (!ref $value || blessed $value) {
        my $text = "$value";
        return '0' if $text eq '' && !ref $value && numeric($value);    # what comparisons give for false
        return $text if $text =~ /\A-?(?:0|[1-9][0-9]*)\z/a;
        return sprintf '%.0f', $value if looks_like_number($value) && $value == int $value && abs $value < 2**63;
    }
    Awkward::Client::TypeError->throw("$path: expected an integer, found " . described($value));
}

sub json_number {
    my ($value, $path) = @_;
    if (!ref $value || blessed $value && !is_truth($value)) {
        my $text = "$value";
        if (!ref $value && numeric($value) && $text != $value) {
            $text = sprintf '%.17g', $value;    # Perl prints fewer digits than the number has
        }
        return $text if $text =~ $NUMBER;
        return sprintf '%.17g', $value if looks_like_number($value) && $value == $value && abs $value != 9**9**9;
    }
    Awkward::Client::TypeError->throw("$path: expected a number, found " . described($value));
}

# json_any writes what has no type: scalars as what they were made.
sub json_any {
    my ($value, $path) = @_;
    return 'null' if !defined $value;
    return (ref $value eq 'SCALAR' ? ${$value} : $value) ? 'true' : 'false' if is_truth($value);
    if (!ref $value) {
        my $flags = B::svref_2object(\$value)->FLAGS;
        return json_string($value) if $flags & B::SVf_POK || !($flags & (B::SVf_IOK | B::SVf_NOK));
        return json_number($value, $path);
    }
    if (blessed $value && ($value->isa('Math::BigInt') || $value->isa('Math::BigFloat'))) {
        return json_number($value, $path);
    }
    if (is_array($value)) {
        return '[' . join(',', map { json_any($value->[$_], "$path\[$_]") } 0 .. $#{$value}) . ']';
    }
    if (is_hash($value)) {
        return '{' . join(',', map { json_string($_) . ':' . json_any($value->{$_}, "$path\{$_}") } sort keys %{$value}) . '}';
    }
    Awkward::Client::TypeError->throw("$path: expected data, found " . described($value));
}

# decoded holds a value against its type. Truth values where the interface has
# integers become numbers; the rest stays as it is.
sub decoded {
    my ($value, $type, $path, $reply) = @_;
    return $value if !defined $value;
    my ($kind, $part) = ref $type ? @{$type} : $type;
    return $value if $kind eq 'any';
    if ($kind eq 'string') {
        return $value if !ref $value && !is_number($value);
    }
    elsif ($kind eq 'int') {
        return $value ? 1 : 0 if JSON::PP::is_bool($value);
        return $value if is_number($value) ? $value == int $value : $value =~ $LONG;
    }
    elsif ($kind eq 'float') {
        return $value if is_number($value) || $value =~ $LONG;
    }
    elsif ($kind eq 'list' && ref $value eq 'ARRAY') {
        $value->[$_] = decoded($value->[$_], $part, "$path\[$_]", $reply) for 0 .. $#{$value};
        return $value;
    }
    elsif ($kind eq 'mapping' && ref $value eq 'HASH') {
        $value->{$_} = decoded($value->{$_}, $part, "$path\{$_}", $reply) for keys %{$value};
        return $value;
    }
    elsif ($kind eq 'structure' && ref $value eq 'HASH') {
        $value->{$_} = decoded($value->{$_}, $part->{$_}, "$path\{$_}", $reply) for grep { $part->{$_} } keys %{$value};
        return $value;
    }
    elsif ($kind eq 'tuple' && ref $value eq 'ARRAY' && @{$value} >= @{$part}) {
        $value->[$_] = decoded($value->[$_], $part->[$_], "$path\[$_]", $reply) for 0 .. $#{$part};
        return $value;
    }
    Awkward::Client::TransportError->throw("$path: expected $NOUN{$kind}, found " . described($value), reply($reply));
}

# is_number says that the JSON had a number.
sub is_number {
    my ($value) = @_;
    return !ref $value && numeric($value) && !(B::svref_2object(\$value)->FLAGS & B::SVf_POK);
}

sub escape {
    my ($text) = @_;
    utf8::encode($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

my $count = 0;

# random_id differs also between processes that share the state of rand.
sub random_id {
    return substr Digest::SHA::sha256_hex(join ' ', $$, Time::HiRes::time(), rand, ++$count, \my $address), 0, 32;
}

package Awkward::Client::Runtime::HTTP;

use parent -norequire, 'HTTP::Tiny';

# patience sets how long connecting may take and how long what follows it.
sub patience {
    my ($self, $connect, $total) = @_;
    $self->{dynsvc_connect} = $connect && $connect < $total ? $connect : $total;
    $self->timeout($total) if $self->timeout != $total;
    return;
}

# A new connection first gets the time for connecting, then the time for the
# rest. Should a later HTTP::Tiny connect in another way, both have one limit.
sub _open_handle {
    my ($self, @request) = @_;
    my $total  = $self->{timeout};
    my $handle = do {
        local $self->{timeout} = $self->{dynsvc_connect} // $total;
        $self->SUPER::_open_handle(@request);
    };
    $handle->timeout($total);
    return $handle;
}

package Awkward::Client::Job;

use Scalar::Util ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub new {
    my ($class, $runtime, $function, $id) = @_;
    return bless {runtime => $runtime, function => $function, id => $id}, $class;
}

sub id { return $_[0]{id} }

sub check {
    my ($self, %option) = @_;
    my $hold  = $option{hold};
    my $reply = $self->{runtime}->ask(
        'GET',
        $self->path . ($hold ? "?wait=${hold}s" : ''),
        again   => 1,
        timeout => $option{timeout},
        about   => "check job $self->{id}",
    );
    my $status = $reply->{json};
    ref $status eq 'HASH' && length($status->{state} // '')
        or Awkward::Client::TransportError->throw("check job $self->{id}: the answer has no state: " . Awkward::Client::Runtime::excerpt($reply->{text}), Awkward::Client::Runtime::reply($reply));
    if ($status->{state} eq 'done') {
        my @values = Awkward::Client::Runtime::results($self->{function}, $status->{result}, $reply);
        $status->{result} = \@values;
    }
    $status->{request_id} = $reply->{request_id};
    return $status;
}

sub wait {
    my ($self, %option) = @_;
    my %known = map { $_ => 1 } qw(timeout progress cancelled);
    for my $name (sort keys %option) {
        $known{$name} or Awkward::Client::TypeError->throw("$name is no option of wait: there are cancelled, progress, timeout");
    }
    my $start    = clock_gettime(CLOCK_MONOTONIC);
    my $deadline = $option{timeout} ? $start + $option{timeout} : 9**9**9;
    my $longest  = $option{cancelled} ? 1 : $option{progress} ? 2 : 30;
    my $timeout  = $self->{runtime}{timeout};
    $longest = $timeout / 2 if $timeout && $timeout / 2 < $longest;
    my $seen     = '';
    while (1) {
        if ($option{cancelled} && $option{cancelled}->()) {
            $self->cancel;
        }
        my $asked = clock_gettime(CLOCK_MONOTONIC);
        my $left  = $deadline - $asked;
        if ($left <= 0) {
            Awkward::Client::TimeoutError->throw("job $self->{id} has not ended within $option{timeout} seconds");
        }
        my $status = $self->check(hold => $left < $longest ? sprintf '%.1f', $left : $longest);
        my $state  = $status->{state};
        my $news   = join "\0", map { $_ // '' } @{$status}{qw(state progress message)};
        if ($option{progress} && $news ne $seen) {
            $option{progress}->($status);
        }
        $seen = $news;
        if ($state ne 'queued' && $state ne 'running') {
            $self->{over} = 1;
            return Awkward::Client::Runtime::shape(@{$status->{result}}) if $state eq 'done';
            Awkward::Client::JobCancelled->throw("job $self->{id} was cancelled", request_id => $status->{request_id}) if $state eq 'cancelled';
            my $error = ref $status->{error} eq 'HASH' ? $status->{error} : {};
            Awkward::Client::RPCError->throw(
                $error->{message} // "job $self->{id} has ended",
                code       => $error->{code} // 0,
                name       => $state,
                data       => $error->{data},
                status     => 200,
                request_id => $status->{request_id},
                job        => $self->{id},
            );
        }
        # The server holds the question, or answers at once when something changes.
        my $early = $asked + 0.2 - clock_gettime(CLOCK_MONOTONIC);
        Time::HiRes::sleep($early) if $early > 0;
    }
}

sub cancel {
    my ($self) = @_;
    $self->{runtime}->ask('DELETE', $self->path, again => 1, about => "cancel job $self->{id}");
    return;
}

sub path {
    my ($self) = @_;
    return '/api/v1/jobs/' . Awkward::Client::Runtime::escape($self->{id});
}

package Awkward::Client::Error;

use overload '""' => sub { $_[0]->text }, 'bool' => sub { 1 }, fallback => 1;

sub throw {
    my ($class, $message, %detail) = @_;
    my $level = 0;
    $level++ while (caller $level)[0] =~ /\AAwkward::Client(?:::|\z)/ && defined((caller $level + 1)[0]);
    my (undef, $file, $line) = caller $level;
    die bless {%detail, message => $message, file => $file, line => $line}, $class;
}

sub message    { return $_[0]{message} }
sub status     { return $_[0]{status} }
sub request_id { return $_[0]{request_id} }

sub text {
    my ($self) = @_;
    return $self->{message} . $self->where;
}

sub where {
    my ($self) = @_;
    my $request = defined $self->{request_id} ? " (request $self->{request_id})" : '';
    return "$request at $self->{file} line $self->{line}.\n";
}

package Awkward::Client::RPCError;

use parent -norequire, 'Awkward::Client::Error';

sub code { return $_[0]{code} }
sub name { return $_[0]{name} }
sub data { return $_[0]{data} }
sub job  { return $_[0]{job} }

sub text {
    my ($self) = @_;
    my $name = length($self->{name} // '') ? "$self->{name} " : '';
    return $name . ($self->{code} // '') . ": $self->{message}" . $self->where;
}

package Awkward::Client::TransportError;

use parent -norequire, 'Awkward::Client::Error';

package Awkward::Client::TimeoutError;

use parent -norequire, 'Awkward::Client::TransportError';

package Awkward::Client::JobCancelled;

use parent -norequire, 'Awkward::Client::Error';

package Awkward::Client::TypeError;

use parent -norequire, 'Awkward::Client::Error';

1;
