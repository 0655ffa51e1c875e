package DynsvcClient::Runtime;

# BANNER

# Makes requests for a client and its jobs.

use 5.030;
use strict;
use warnings;

use Digest::SHA ();
use Errno qw(ECONNREFUSED);
use HTTP::Tiny ();
use Scalar::Util qw(looks_like_number);
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use DynsvcClient::Error;
use DynsvcClient::Job;
use DynsvcClient::Values qw(decoded encoded excerpt json_string parsed);

our $VERSION = '0';

my $AGENT = 'dynsvc-client-perl/0';

my $FOREVER = 1e9;    # seconds

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
        $KNOWN{$name} or DynsvcClient::TypeError->throw("$name is no option: there are " . join ', ', sort keys %KNOWN);
    }
    my %option = %DEFAULT;
    for my $name (grep { defined $given{$_} } keys %given) {
        $option{$name} = $given{$name};
    }
    my $url = $option{url} // $ENV{DYNSVC_URL} // '';
    $url =~ m{\Ahttps?://[^/]}i
        or DynsvcClient::TypeError->throw($url eq '' ? 'give url, or set DYNSVC_URL to where dynsvc is' : "url $url does not begin with http:// or https://");
    $url =~ s{/+\z}{};
    for my $name (qw(connect_timeout timeout retry_time)) {
        looks_like_number($option{$name}) && $option{$name} >= 0
            or DynsvcClient::TypeError->throw("$name is a number of seconds, not $option{$name}");
    }
    my $again = $option{idempotent};
    my $self  = bless {
        %option,
        module     => $module,
        url        => $url,
        idempotent => ref $again ? {map { $_ => 1 } @{$again}} : $again,
    }, $class;
    $self->{http} = DynsvcClient::Runtime::HTTP->new(
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
        or DynsvcClient::TransportError->throw("$method: the answer is no JSON-RPC: " . excerpt($reply->{text}), reply($reply));
    return shape(results($function, $reply->{json}{result}, $reply));
}

# submit makes a job of a call. The key makes sure that a submission which is
# sent twice, because the answer to the first was lost, makes one job.
sub submit {
    my ($self, $function, @given) = @_;
    my ($params, %option) = arguments($function, \@given, qw(timeout));
    return $self->submit_json($function, $params, %option);
}

sub submit_json {
    my ($self, $function, $params, %option) = @_;
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
        or DynsvcClient::TransportError->throw("$about: the answer names no job: " . excerpt($reply->{text}), reply($reply));
    return DynsvcClient::Job->new($self, $function, $id);
}

# run makes a job of a call and waits for its end.
sub run {
    my ($self, $function, @given) = @_;
    my ($params, %option) = arguments($function, \@given, qw(timeout progress cancelled));
    my $job = $self->submit_json($function, $params);
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
    length($id // '') or DynsvcClient::TypeError->throw("$function->{name}: give the id of a job");
    return DynsvcClient::Job->new($self, $function, $id);
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
            DynsvcClient::TimeoutError->throw("$option{about}: no answer within $timeout seconds");
        }
        if ($reply->{refused} || $reply->{lost}) {
            DynsvcClient::TransportError->throw("$option{about}: $self->{url}: $reply->{text}", status => 0);
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
    $left = $left < 0.001 ? 0.001 : $left > $FOREVER ? $FOREVER : $left;
    $http->patience($self->{connect_timeout}, $left);
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
    my $json = parsed($reply->{text});
    $reply->{json} = $json;
    my $error = ref $json eq 'HASH' ? $json->{error} : undef;
    my $ok    = $reply->{status} =~ /\A2/;
    if (ref $error eq 'HASH' && exists $error->{code} && !exists $json->{state}) {
        DynsvcClient::RPCError->throw(
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
        DynsvcClient::RPCError->throw(
            $json->{detail} // $json->{title},
            code => 0,
            name => $json->{title} // '',
            data => $json,
            reply($reply),
        );
    }
    DynsvcClient::TransportError->throw("$about: answered $reply->{status} $reply->{reason}: " . excerpt($reply->{text}), reply($reply));
}

sub reply {
    my ($reply) = @_;
    return map { $_ => $reply->{$_} } qw(status request_id);
}

# results reads what a function returns.
sub results {
    my ($function, $list, $reply) = @_;
    my $types = $function->{results};
    return if !@{$types};
    ref $list eq 'ARRAY' && @{$list} >= @{$types}
        or DynsvcClient::TransportError->throw("$function->{name}: the answer has not all results of the function: " . excerpt($reply->{text}), reply($reply));
    return map { decoded($list->[$_], $types->[$_], "$function->{name}: result " . ($_ + 1), reply($reply)) } 0 .. $#{$types};
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
        or DynsvcClient::TypeError->throw("$function->{name} has $n parameters, " . @{$given} . ' were given');
    my @rest = @{$given}[$n .. $#{$given}];
    @rest % 2 == 0
        or DynsvcClient::TypeError->throw("$function->{name} has $n parameters, " . @{$given} . ' were given; options follow them as names with values');
    my %option = @rest;
    for my $name (sort keys %option) {
        grep { $name eq $_ } @known
            or DynsvcClient::TypeError->throw("$name is no option of this call: there are " . join ', ', @known);
    }
    my @parts = map { encoded($given->[$_], $types->[$_], "$function->{name}: parameter " . ($_ + 1)) } 0 .. $n - 1;
    my $text = '[' . join(',', @parts) . ']';
    utf8::encode($text);
    return ($text, %option);
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

package DynsvcClient::Runtime::HTTP;

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

1;
