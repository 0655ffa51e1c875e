package DynsvcClient::Job;

# BANNER

# A call that runs on the server, whoever waits for it.

use 5.030;
use strict;
use warnings;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use DynsvcClient::Error;
use DynsvcClient::Values qw(excerpt);

our $VERSION = '0';

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
        or DynsvcClient::TransportError->throw("check job $self->{id}: the answer has no state: " . excerpt($reply->{text}), DynsvcClient::Runtime::reply($reply));
    if ($status->{state} eq 'done') {
        my @values = DynsvcClient::Runtime::results($self->{function}, $status->{result}, $reply);
        $status->{result} = \@values;
    }
    $status->{request_id} = $reply->{request_id};
    return $status;
}

sub wait {
    my ($self, %option) = @_;
    my %known = map { $_ => 1 } qw(timeout progress cancelled);
    for my $name (sort keys %option) {
        $known{$name} or DynsvcClient::TypeError->throw("$name is no option of wait: there are cancelled, progress, timeout");
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
            DynsvcClient::TimeoutError->throw("job $self->{id} has not ended within $option{timeout} seconds");
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
            return DynsvcClient::Runtime::shape(@{$status->{result}}) if $state eq 'done';
            DynsvcClient::JobCancelled->throw("job $self->{id} was cancelled", request_id => $status->{request_id}) if $state eq 'cancelled';
            my $error = ref $status->{error} eq 'HASH' ? $status->{error} : {};
            DynsvcClient::RPCError->throw(
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
    return '/api/v1/jobs/' . DynsvcClient::Runtime::escape($self->{id});
}

1;
