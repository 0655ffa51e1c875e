# Uses the client of Everything and prints what each step gives; see drive_test.go.

use 5.030;
use strict;
use warnings;

use Everything::Client;
use JSON::PP;
use Scalar::Util qw(blessed);
use Time::HiRes qw(time);

my $json = JSON::PP->new->utf8->allow_nonref->canonical;

sub show {
    my ($step, $value) = @_;
    print "$step\t", $json->encode($value), "\n";
    return;
}

# step prints what a call returns or throws: the one value, or a list of several.
sub step {
    my ($name, $call) = @_;
    my @values;
    show($name, eval { @values = $call->(); 1 } ? (@values > 1 ? \@values : $values[0]) : failure($@));
    return $values[0];
}

sub failure {
    my ($error) = @_;
    die $error if !blessed $error;
    my $kind = ref $error;
    return {error => 'timeout'}   if $kind eq 'Everything::Client::TimeoutError';
    return {error => 'cancelled'} if $kind eq 'Everything::Client::JobCancelled';
    return {error => 'transport', status => $error->status // 0} if $kind eq 'Everything::Client::TransportError';
    die $error if $kind ne 'Everything::Client::RPCError';
    return {
        error      => 'rpc',
        (map { $_ => $error->$_ } qw(code name message data status)),
        request_id => defined $error->request_id ? JSON::PP::true : JSON::PP::false,
    };
}

sub client {
    my (%option) = @_;
    return Everything::Client->new(token => 'secret', %option);
}

sub version { return client(version => @_) }

my %record = (
    number    => '-1234567890123',
    fraction  => '0.25',
    text      => "\"q\" \\ \n \x{fc}n\x{ef}code \x{8bd5}\x{9a8c} </script>",
    any       => {a => [1, undef, 'x', {b => \1}], empty => {}},
    strings   => ['a'],
    matrix    => [[1.5, -2], []],
    labels    => {'k-1' => 'v'},
    groups    => {1 => [{name => 'n', good => 1 == 1}]},
    nested    => {a => {b => ['s', 1, 2]}},
    pair      => ['p', 2],
    pairs     => [['x', {name => 'y', good => 1 == 2}]],
    region    => ['s1', 10, 20],
    inner     => {name => 'in', good => JSON::PP::true},
    inners    => [],
    lengths   => {s1 => 5.0},
    reference => {workspace => 'w', object_id => 7},
);
my %full = (
    %record,
    maybe        => '',
    maybe_number => 0,
    maybe_flag   => 1,
    maybe_list   => [],
    maybe_map    => {a => 0.5},
    maybe_inner  => {name => '', good => 0},
    maybe_region => ['s2', 0, 0],
    maybe_any    => [1],
    class        => 'c',
);

my @words = qw(class def func function import from type interface package return self this new default in is lambda
    my sub next repeat hashCode None);
my @hard  = ('foo_bar', 'fooBar', 'FooBar', 'foo-bar', 'foo$bar', 'url', 'genome_id', 'x1y2');
my $n     = 0;
my %words = map { $_ => ++$n } @words;
$n = 0;
my %hard = map { $_ => ++$n } @hard;

my $c = client();

step(echo_record      => sub { $c->echo_record(\%record) });
step(echo_record_full => sub { $c->echo_record(\%full) });
step(echo_words       => sub { $c->echo_words(\%words) });
step(echo_hard        => sub { $c->echo_hard(\%hard) });
step(echo_types       => sub { $c->echo_types({id => 'c'}, {id => 'j'}, 's', [{id => 'l'}], {message => 'm'}) });
step(echo_scalars     => sub { $c->echo_scalars(1_234_567_890_123, 0.5, "it's", 1) });
step(echo_any         => sub { $c->echo_any({deep => [1, 2.5, {x => undef}], list => []}) });
step(echo_any_text    => sub { $c->echo_any('text') });
step(echo_lists       => sub { $c->echo_lists(['one'], [[1, '2'], []], {x => [0.5], y => []}) });
step(echo_lists_nil   => sub { $c->echo_lists([], [], {}) });
step(echo_rows        => sub { $c->echo_rows([['a', 1, 0.5, [['s', 1, 2], ['t', 3, 4]]], ['b', 2, 1.5, []]]) });
step(echo_tuple       => sub { $c->echo_tuple(['n', {name => 'i', good => 1}]) });
step(echo_empty       => sub { $c->echo_empty({}) });
step(echo_reference   => sub { $c->echo_reference({workspace => 'w', object_id => 2**53 - 1}) });
step(count            => sub { $c->count });
step(forget           => sub { $c->forget('it') });
step(nothing          => sub { $c->nothing });
step(unnamed          => sub { $c->unnamed(1, 2, 'x', {name => 'i', good => 0}, []) });
step(middle           => sub { $c->middle([['l', 1, 2], ['m', 5, 6], ['r', 7, 8]]) });
step(import           => sub { $c->call_import('a' .. 'd', 5) });
step(close            => sub { $c->close('a' .. 'f') });
step(whoami           => sub { $c->whoami });
step(version          => sub { client(version => '>=1.0 <2/x', timeout => 0)->count(timeout => 0) });
step(slow_sync        => sub { $c->slow(0, '') });

step(fail          => sub { $c->fail(17, q{it's "wrong"}) });
step(whoami_nobody => sub { client(token => undef)->whoami });
step(nowhere       => sub { version('nowhere')->count });
step(nowhere_job   => sub { version('nowhere')->submit_slow_nothing(1) });
step(full          => sub { version('full')->count });
step(html          => sub { version('html')->count });
step(moved         => sub { version('moved')->count });
step(liar          => sub { version('liar')->count });
step(stuck         => sub { version('stuck')->count(timeout => 0.5) });
step(closed        => sub { client(url => $ENV{CLOSED_URL}, retry_time => 0.5)->count });

step(busy       => sub { version('busy')->count });
step(broken     => sub { version('broken')->count });
step(idempotent => sub { client(version => 'broken-idempotent', idempotent => ['count'])->count });

my @fractions;
step(run_slow => sub { $c->run_slow(3, '', progress => sub { push @fractions, $_[0]{progress} // () }) });
my $rising = @fractions > 0 && !grep { $fractions[$_] < $fractions[$_ - 1] } 1 .. $#fractions;
show(run_progress => $rising ? JSON::PP::true : JSON::PP::false);
step(run_pair    => sub { $c->run_slow_pair(1) });
step(run_nothing => sub { $c->run_slow_nothing(1) });
step(run_count   => sub { $c->run_count });

my $job = $c->submit_slow(1, '');
show(job_id => length $job->id ? JSON::PP::true : JSON::PP::false);
step(job_wait     => sub { $job->wait });
step(job_again    => sub { $job->wait });
step(job_done     => sub { $job->check->{state} });
step(job_reopened => sub { $c->job_slow($job->id)->wait });

my $held = $c->submit_slow(1, 'hold');
show(job_running => $held->check->{state} =~ /\A(?:queued|running)\z/ ? JSON::PP::true : JSON::PP::false);
step(job_timeout => sub { $held->wait(timeout => 0.3) });
step(job_cancel  => sub { $held->cancel; $held->wait });
step(job_failed  => sub { $c->run_slow(1, 'fail') });
step(job_dead    => sub { $c->run_slow(1, 'die') });
step(job_broken  => sub { version('broken-job')->run_slow_pair(1) });
my $start = time;
step(run_stopped => sub { version('stopped')->run_slow(1, 'hold', cancelled => sub { time > $start + 0.3 }) });
