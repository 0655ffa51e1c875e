package DynsvcClient::Error;

# BANNER

# What calls throw.

use 5.030;
use strict;
use warnings;

our $VERSION = '0';

use overload '""' => sub { $_[0]->text }, 'bool' => sub { 1 }, fallback => 1;

sub throw {
    my ($class, $message, %detail) = @_;
    my $level = 0;
    $level++ while (caller $level)[0] =~ /\ADynsvcClient(?:::|\z)/ && defined((caller $level + 1)[0]);
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

package DynsvcClient::RPCError;

use parent -norequire, 'DynsvcClient::Error';

sub code { return $_[0]{code} }
sub name { return $_[0]{name} }
sub data { return $_[0]{data} }
sub job  { return $_[0]{job} }

sub text {
    my ($self) = @_;
    my $name = length($self->{name} // '') ? "$self->{name} " : '';
    return $name . ($self->{code} // '') . ": $self->{message}" . $self->where;
}

package DynsvcClient::TransportError;

use parent -norequire, 'DynsvcClient::Error';

package DynsvcClient::TimeoutError;

use parent -norequire, 'DynsvcClient::TransportError';

package DynsvcClient::JobCancelled;

use parent -norequire, 'DynsvcClient::Error';

package DynsvcClient::TypeError;

use parent -norequire, 'DynsvcClient::Error';

1;
