using DistNet.Checkpoints;
using DistNet.Runs;
using Xunit;

namespace DistNet.Tests.Checkpoints;

public sealed class RunJournalTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<string> warnings = [];

    public RunJournalTests() => Directory.CreateDirectory(folder["run"]);

    private JournalFolder Files => new(folder["run"]);

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Each_life_has_a_term_of_its_own_and_a_resume_keeps_the_run()
    {
        RunJournal first = Begin(resume: false);
        RunJournal second = Begin(resume: true);
        RunJournal third = Begin(resume: true);
        Assert.Equal((1, 2, 3), (first.Term, second.Term, third.Term));
        Assert.Equal((first.Run, first.Run), (second.Run, third.Run));
        Assert.Empty(warnings);
    }

    [Fact]
    public void A_new_run_in_the_same_folder_counts_its_terms_on()
    {
        RunJournal first = Begin(resume: false);
        RunJournal second = Begin(resume: false);
        Assert.NotEqual(first.Run, second.Run);
        Assert.Equal(2, second.Term);
    }

    [Fact]
    public void The_loser_of_a_folder_names_both_terms()
    {
        RunJournal old = Begin(resume: false);
        old.Verify();
        RunJournal later = Begin(resume: true);
        later.Verify();
        DistNetException error = Assert.Throws<DistNetException>(old.Verify);
        Assert.Equal(FailureKind.Failed, error.Kind);
        Assert.Contains("names term 2, this coordinator has term 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"format\":1,\"run\":\"0b8")]
    [InlineData("{\"format\":1,\"run\":\"0b8e4e2c-8f0e-4a55-9f0c-8c1f2a6f0f11\",\"term\":7}")]
    [InlineData("{\"format\":1,\"run\":\"0b8e4e2c-8f0e-4a55-9f0c-8c1f2a6f0f11\",\"term\":0}\n")]
    [InlineData("{\"format\":1,\"run\":\"0b8e4e2c-8f0e-4a55-9f0c-8c1f2a6f0f11\"}\n")]
    [InlineData("\0\0\0\0\0\0\0\0")]
    public void A_torn_journal_is_recovered_with_a_warning_far_above_every_known_term(string text)
    {
        RunJournal first = Begin(resume: false);
        _ = Begin(resume: true);
        File.WriteAllText(Files.Place, text);
        RunJournal recovered = Begin(resume: true);
        Assert.Equal(2 + RunJournal.LostTerms, recovered.Term);
        Assert.NotEqual(first.Run, recovered.Run);
        Assert.Contains("is damaged", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(recovered.Term + 1, Begin(resume: true).Term);
    }

    [Fact]
    public void A_journal_that_is_missing_beside_checkpoints_is_recovered_with_a_warning()
    {
        Assert.Equal(RunJournal.LostTerms, RunJournal.Begin(Files, resume: true, holdsCheckpoints: true, warnings.Add).Term);
        Assert.Contains("is missing", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_term_claimed_by_a_coordinator_that_died_before_it_wrote_is_not_used_again()
    {
        RunJournal first = Begin(resume: false);
        Assert.True(Files.TryClaim(2));
        Assert.Equal(3, Begin(resume: true).Term);
        Assert.Equal(first.Run, Begin(resume: true).Run);
    }

    [Fact]
    public void A_journal_that_is_gone_or_damaged_stops_the_coordinator_before_it_writes()
    {
        RunJournal journal = Begin(resume: false);
        File.WriteAllText(Files.Place, "{");
        Assert.Contains("is damaged; expected term 1", Assert.Throws<DistNetException>(journal.Verify).Message, StringComparison.Ordinal);
        File.Delete(Files.Place);
        Assert.Contains("is missing; expected term 1", Assert.Throws<DistNetException>(journal.Verify).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Coordinators_that_begin_at_the_same_time_without_a_lock_get_different_terms_and_one_of_them_stays()
    {
        var journals = new RunJournal[16];
        var failures = new Exception?[journals.Length];
        var threads = journals.Select((_, i) => new Thread(() => failures[i] = Record.Exception(() =>
        {
            journals[i] = RunJournal.Begin(new JournalFolder(folder["run"]), resume: true, holdsCheckpoints: false, _ => { });
        }))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.All(failures, Assert.Null);
        Assert.Equal(journals.Length, journals.Select(journal => journal.Term).Distinct().Count());
        Assert.Single(journals, journal => Record.Exception(journal.Verify) is null);
    }

    [Fact]
    public void The_file_says_run_and_term_and_old_claims_are_forgotten()
    {
        RunJournal last = Begin(resume: false);
        for (int life = 0; life < 20; life++)
        {
            last = Begin(resume: true);
        }

        Assert.Equal($"{{\"format\":1,\"run\":\"{last.Run.Value}\",\"term\":21}}\n", File.ReadAllText(Files.Place));
        Assert.InRange(Files.Claims().Count, 1, 10);
        Assert.Contains(21, Files.Claims());
    }

    private RunJournal Begin(bool resume) => RunJournal.Begin(Files, resume, holdsCheckpoints: false, warnings.Add);
}
