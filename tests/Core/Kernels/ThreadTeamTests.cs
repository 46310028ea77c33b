using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

public sealed class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Each_part_runs_exactly_once_per_run_and_is_done_when_run_returns(int threads)
    {
        using ThreadTeam team = new(threads, "team");
        Counting work = new(threads);
        for (int round = 1; round <= 2000; round++)
        {
            team.Run(work);
            Assert.All(work.Runs, runs => Assert.Equal(round, runs));
        }

        Assert.Equal(threads, team.Count);
    }

    [Fact]
    public void Part_0_runs_on_the_caller_and_the_others_on_threads_of_their_own()
    {
        using ThreadTeam team = new(3, "compute");
        Naming work = new();
        team.Run(work);
        Assert.Equal(Thread.CurrentThread, work.Threads[0]);
        Assert.Equal("compute/1", work.Threads[1]!.Name);
        Assert.Equal("compute/2", work.Threads[2]!.Name);
        Assert.All(work.Threads[1..], thread => Assert.False(thread!.IsThreadPoolThread));
    }

    [Fact]
    public void The_failure_of_the_lowest_part_reaches_the_caller_and_the_team_goes_on()
    {
        using ThreadTeam team = new(4, "team");
        ArithmeticException failure = Assert.Throws<ArithmeticException>(() => team.Run(new Failing(2)));
        Assert.Equal("part 2", failure.Message);
        Assert.Equal("part 0", Assert.Throws<ArithmeticException>(() => team.Run(new Failing(0))).Message);
        Counting work = new(4);
        team.Run(work);
        Assert.All(work.Runs, runs => Assert.Equal(1, runs));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Running_allocates_nothing(int threads)
    {
        using ThreadTeam team = new(threads, "team");
        Counting work = new(threads);
        team.Run(work);
        Assert.Equal(0, Allocation.OfQuietestRound(() =>
        {
            for (int run = 0; run < 100; run++)
            {
                team.Run(work);
            }
        }));
    }

    [Fact]
    public void A_run_inside_a_run_is_a_bug_that_is_told()
    {
        using ThreadTeam team = new(2, "team");
        Assert.Throws<InvalidOperationException>(() => team.Run(new Nested(team)));
    }

    [Fact]
    public void A_disposed_team_refuses_work_and_disposing_twice_is_harmless()
    {
        ThreadTeam team = new(3, "team");
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => team.Run(new Counting(3)));
    }

    private sealed class Counting(int parts) : ITeamWork
    {
        public int[] Runs { get; } = new int[parts];

        public void Execute(int part, int parts) => Runs[part]++;
    }

    private sealed class Naming : ITeamWork
    {
        public Thread?[] Threads { get; } = new Thread?[3];

        public void Execute(int part, int parts) => Threads[part] = Thread.CurrentThread;
    }

    private sealed class Failing(int from) : ITeamWork
    {
        public void Execute(int part, int parts)
        {
            if (part >= from)
            {
                throw new ArithmeticException($"part {part}");
            }
        }
    }

    private sealed class Nested(ThreadTeam team) : ITeamWork
    {
        public void Execute(int part, int parts) => team.Run(new Counting(parts));
    }
}
