using System.Collections.Concurrent;
using DistNet.Kernels;
using Xunit;

namespace DistNet.Tests.Kernels;

public sealed class CrewTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Every_piece_is_done_once_by_members_that_share_no_number_and_all_is_done_when_run_returns(int threads)
    {
        using Crew crew = new(threads, "crew");
        Pieces work = new(pieces: 64, crew.Size);
        for (int round = 1; round <= 2000; round++)
        {
            work.Begin();
            crew.Run(work);
            Assert.All(work.Done, times => Assert.Equal(round, times));
        }

        Assert.False(work.HasShared);
    }

    [Fact]
    public void A_crew_s_own_threads_begin_with_its_first_work_and_end_with_it()
    {
        // More than processors, so that none is bound and the caller is one of them.
        int threads = Environment.ProcessorCount + 1;
        Crew crew = new(threads, "crew");
        Assert.Equal(0, crew.Running);
        Pieces work = new(pieces: 8, crew.Size);
        work.Begin();
        crew.Run(work);
        Assert.Equal(threads - 1, crew.Running);
        crew.Dispose();
        Assert.Equal(0, crew.Running);
        new Crew(3, "idle").Dispose();
    }

    [Fact]
    public void A_crew_with_a_member_for_each_processor_has_them_on_all_of_them()
    {
        // Not where the system does not tell, or lets the process have less than these processors' time: then nobody is bound, and the caller's thread is one of the members.
        int threads = Math.Max(2, Environment.ProcessorCount);
        int[] allowed = ProcessorBinding.Allowed();
        bool isBound = threads == Environment.ProcessorCount && allowed.Length == threads;
        using Crew crew = new(threads, "crew");
        crew.Run(new Meeting(threads));
        Assert.Equal(isBound ? threads : threads - 1, crew.Running);
        int[] processors = isBound ? allowed : [];
        List<int[]> met = [];
        Thread caller = new(() =>
        {
            // Wherever the caller is, the others are on the other processors.
            foreach (int processor in processors)
            {
                ProcessorBinding.Bind(processor);
                Assert.True(SpinWait.SpinUntil(() => crew.Asleep == threads, TimeSpan.FromSeconds(30)));
                for (int round = 0; round < 100; round++)
                {
                    Meeting work = new(threads);
                    crew.Run(work);
                    met.Add([.. work.Processors.Order()]);
                }
            }
        });
        caller.Start();
        caller.Join();
        Assert.Equal(100 * processors.Length, met.Count);
        Assert.All(met, those => Assert.Equal(processors, those));
    }

    [Fact]
    public void Who_waits_for_the_outcome_joins_the_work_and_is_not_waited_for_where_it_does_not_come()
    {
        using Crew crew = new(1, "crew");
        crew.Run(new Meeting(1));
        bool made = false;
        Thread[] guests = Guests(crew, crew.Size - 1, () => Volatile.Read(ref made));
        Meeting work = new(crew.Size);
        crew.Run(work);
        Volatile.Write(ref made, true);
        crew.Ring();
        Array.ForEach(guests, guest => guest.Join());
        Assert.Equal([.. guests, Thread.CurrentThread], work.Members.ToHashSet());
    }

    [Fact]
    public void The_crew_s_own_threads_do_the_work_only_where_fewer_wait_for_the_outcome()
    {
        using Crew crew = new(2, "crew");
        bool made = false;
        Meeting alone = new(2), accompanied = new(2);
        crew.Run(alone);
        Thread guest = Guests(crew, 1, () => Volatile.Read(ref made))[0];
        Assert.True(SpinWait.SpinUntil(() => crew.Waiting == 1, TimeSpan.FromSeconds(30)));
        crew.Run(accompanied);
        Volatile.Write(ref made, true);
        crew.Ring();
        guest.Join();
        Assert.Contains(alone.Members, member => member.Name is "crew/1" or "crew/2");
        Assert.Contains(guest, accompanied.Members);
    }

    [Fact]
    public void No_more_threads_join_than_the_size_says()
    {
        using Crew crew = new(1, "crew");
        bool ended = false;
        Thread[] guests = Guests(crew, crew.Size + 2, () => Volatile.Read(ref ended));
        Pieces work = new(pieces: 200, crew.Size);
        for (int round = 0; round < 200; round++)
        {
            work.Begin();
            crew.Run(work);
        }

        Volatile.Write(ref ended, true);
        crew.Ring();
        Array.ForEach(guests, guest => guest.Join());
        Assert.All(work.Done, times => Assert.Equal(200, times));
        Assert.False(work.HasShared);
    }

    [Fact]
    public void What_the_caller_or_another_member_throws_reaches_the_caller_and_the_crew_goes_on()
    {
        using Crew crew = new(2, "crew");
        Assert.Equal("member 0", Assert.Throws<ArithmeticException>(() => crew.Run(new Failing(0))).Message);
        Assert.Equal("member 1", Assert.Throws<ArithmeticException>(() => crew.Run(new Failing(1))).Message);
        Meeting work = new(2);
        crew.Run(work);

        // Which of the crew's own it is depends on the caller's processor, where each has one.
        Assert.Equal(2, work.Members.Count);
        Thread other = Assert.Single(work.Members.Except([Thread.CurrentThread]));
        Assert.Matches("^crew/[12]$", other.Name);
        Assert.False(other.IsThreadPoolThread);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Running_allocates_nothing(int threads)
    {
        using Crew crew = new(threads, "crew");
        Pieces work = new(pieces: 8, crew.Size);
        Assert.Equal(0, Allocation.OfQuietestRound(() =>
        {
            for (int run = 0; run < 100; run++)
            {
                work.Begin();
                crew.Run(work);
            }
        }));
    }

    [Fact]
    public void A_run_inside_a_run_is_a_bug_that_is_told()
    {
        using Crew crew = new(1, "crew");
        Assert.Throws<InvalidOperationException>(() => crew.Run(new Nested(crew)));
    }

    [Fact]
    public void A_disposed_crew_refuses_work_and_disposing_twice_is_harmless()
    {
        Crew crew = new(3, "crew");
        crew.Dispose();
        crew.Dispose();
        Assert.Throws<ObjectDisposedException>(() => crew.Run(new Meeting(1)));
    }

    private static Thread[] Guests(Crew crew, int count, Func<bool> hasEnded)
    {
        Thread[] guests = [.. Enumerable.Range(0, count).Select(_ => new Thread(() =>
        {
            for (long rung = crew.Rings; !hasEnded(); rung = crew.Rings)
            {
                crew.WorkOrSleepSince(rung);
            }
        }))];
        Array.ForEach(guests, guest => guest.Start());
        return guests;
    }

    /// <summary>Pieces that are counted, by members that look whether another has their number.</summary>
    private sealed class Pieces(int pieces, int size) : ICrewWork
    {
        private readonly int[] present = new int[size];
        private int next;

        public int[] Done { get; } = new int[pieces];

        public bool HasShared { get; private set; }

        public void Begin() => next = 0;

        public void Execute(int member)
        {
            HasShared |= Interlocked.Increment(ref present[member]) != 1;
            for (int piece; (piece = Interlocked.Increment(ref next) - 1) < pieces;)
            {
                Done[piece]++;
            }

            Interlocked.Decrement(ref present[member]);
        }
    }

    /// <summary>Ends when as many members have come as are expected.</summary>
    private sealed class Meeting(int expected) : ICrewWork
    {
        public ConcurrentQueue<Thread> Members { get; } = [];

        public ConcurrentQueue<int> Processors { get; } = [];

        public void Execute(int member)
        {
            Processors.Enqueue(ProcessorBinding.Current);
            Members.Enqueue(Thread.CurrentThread);
            Assert.True(SpinWait.SpinUntil(() => Members.Count == expected, TimeSpan.FromSeconds(30)));
        }
    }

    /// <summary>Ends when the member has come that fails.</summary>
    private sealed class Failing(int which) : ICrewWork
    {
        private bool hasFailed;

        public void Execute(int member)
        {
            if (member == which)
            {
                Volatile.Write(ref hasFailed, true);
                throw new ArithmeticException($"member {which}");
            }

            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref hasFailed), TimeSpan.FromSeconds(30)));
        }
    }

    private sealed class Nested(Crew crew) : ICrewWork
    {
        public void Execute(int member) => crew.Run(new Meeting(1));
    }
}
