# What every script needs that goes into a container: to know its first process for sure, and to be able to do no more than that one. Nothing but perl-base.
use strict;
use warnings;
use POSIX ();

my $machine = ( POSIX::uname() )[4];
my %calls   = (
    setns  => { x86_64 => 308, aarch64 => 268 },
    prctl  => { x86_64 => 157, aarch64 => 167 },
    capset => { x86_64 => 126, aarch64 => 91 },
);
my %options = ( drop_bounding => 24, no_new_privileges => 38, ambient => 47, clear_ambient => 4 );

# Makes a call of the system that Perl has no name for; false when it fails.
sub call {
    my ( $name, @arguments ) = @_;
    my $number = $calls{$name}{$machine} or die "this machine has no known call $name\n";
    return syscall( $number, @arguments ) == 0;
}

# Goes to the folder of the process below /proc, which from then on is that process's and no other's, whoever gets its number; dies unless it is one of the
# container, which its control groups name. Returns what `has_ended` takes.
sub hold_process {
    my ( $pid, $container ) = @_;
    chdir "/proc/$pid" or die "the container has ended\n";
    sysopen my $life, 'cgroup', 0 or die "the container has ended\n";
    sysread $life, my $groups, 65_536;
    die "the container has ended\n" if index( $groups || '', $container || ' ' ) < 0;
    return $life;
}

# What is read of a process that has ended is an error.
sub has_ended {
    my ($life) = @_;
    return !sysseek( $life, 0, 0 ) || !sysread $life, my $groups, 1;
}

# Goes where the process that is held is: its network, its names, its messages.
sub enter_namespaces {
    for my $kind (@_) {
        open my $namespace, '<', "ns/$kind" or die "the $kind of the container is not there: $!\n";
        call( 'setns', fileno $namespace, 0 ) or die "the $kind of the container cannot be entered: $!\n";
    }
    return;
}

# The user, the groups and the capabilities of the process that is held, as this machine counts them. In a user namespace of its own its capabilities are
# worth nothing outside, and are none.
sub rights_of_process {
    open my $status, '<', 'status' or die "the container has ended\n";
    my %said = map { /^(\w+):\s*(.*)$/ ? ( $1, $2 ) : () } <$status>;
    die "the user of the container is not known\n" if grep { !defined $said{$_} } qw(Uid Gid Groups CapEff CapBnd);
    my $is_ours = ( readlink 'ns/user' || '' ) eq ( readlink '/proc/self/ns/user' || '-' );
    my ( $effective, $bounding ) = map { $is_ours ? unpack( 'Q>', pack 'H16', $said{$_} ) : 0 } qw(CapEff CapBnd);
    return {
        uid       => ( split ' ', $said{Uid} )[1],
        gid       => ( split ' ', $said{Gid} )[1],
        groups    => [ split ' ', $said{Groups} ],
        effective => $effective & $bounding,
        bounding  => $bounding,
    };
}

# Becomes somebody with these rights, for good; dies unless it has.
sub take_rights {
    my ($rights) = @_;
    my ( $uid, $gid, @groups ) = ( $rights->{uid}, $rights->{gid}, @{ $rights->{groups} } );
    for my $capability ( 0 .. 63 ) {
        next if $rights->{bounding} >> $capability & 1;
        call( 'prctl', $options{drop_bounding}, $capability, 0, 0, 0 ) or last;    # the kernel knows no higher one
    }
    call( 'prctl', $options{ambient}, $options{clear_ambient}, 0, 0, 0 );
    call( 'prctl', $options{no_new_privileges}, 1, 0, 0, 0 ) or die "it cannot give up privileges: $!\n";
    $) = join ' ', $gid, @groups ? @groups : $gid;
    $( = $gid;
    POSIX::setgid($gid);
    POSIX::setuid($uid);
    die "it cannot become the user of the container\n" if $> != $uid || $< != $uid || "$)" !~ /^$gid\b/;
    my $kept = $uid == 0 ? $rights->{effective} : 0;
    my @halves = map { ( $_, $_, 0 ) } $kept & 0xffffffff, $kept >> 32;
    my $version = pack 'L l', 0x20080522, 0;
    my $sets = pack 'L6', @halves;
    call( 'capset', $version, $sets ) or die "it cannot give up privileges: $!\n";
    return;
}

1;
