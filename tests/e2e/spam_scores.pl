# What SpamAssassin makes of messages, without any network and without rules of this machine's user:
# a line each of points, and the rules that took part.
#
#   perl spam_scores.pl FILE...
use strict;
use warnings;
use File::Temp qw(tempdir);
use Mail::SpamAssassin;

my $home = tempdir(CLEANUP => 1);
my $judge = Mail::SpamAssassin->new({
    local_tests_only   => 1,
    dont_copy_prefs    => 1,
    userprefs_filename => '/dev/null',
    userstate_dir      => $home,
    home_dir_for_helpers => $home,
});
for my $file (@ARGV) {
    open(my $in, '<:raw', $file) or die "$file: $!\n";
    my $message = $judge->parse(do { local $/; <$in> }, 1);
    my $status = $judge->check($message);
    printf "%s %s\n", $status->get_score, $status->get_names_of_tests_hit || 'none';
    $status->finish;
    $message->finish;
}
