using DistNet.Kernels;
using DistNet.Plane.Tests.Grpc;
using DistNet.Plane.Tests.SharedMemory;
using DistNet.Protocol.SharedMemory;
using DistNet.Protocol;
using DistNet.Runs;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests;

/// <summary>A worker asks for parameters that do not exist yet, over planes of one machine.</summary>
public sealed class AwaitedVersionTests : IDisposable
{
    private readonly CancellationTokenSource unwanted = new();
    private readonly Crew crew = new(1, "crew");
    private readonly VersionedParameters elsewhere = new(new float[SharedMemoryFixture.Floats], term: 7);

    [Fact]
    public async Task In_process_a_worker_gets_the_version_that_is_published_while_it_waits()
    {
        using var plane = new InProcessPlane(new GradientPool(SharedMemoryFixture.Floats), crew);
        using IWorkerPlane worker = plane.CreateWorkerPlane(Guid.NewGuid());
        using IWorkerPlane other = plane.CreateWorkerPlane(Guid.NewGuid());
        long first = elsewhere.Handle.Version;

        // Nothing at all is published yet.
        Task<ParameterHandle> early = Fetch(worker, first);
        await PlaneBed.UntilAsync(() => plane.Waiting == 1, "the worker waits");
        plane.Publish(elsewhere.Handle);
        Assert.True((await Bounded(early)).IsCurrent);

        Task<ParameterHandle>[] both = [Fetch(worker, first + 1), Fetch(other, first + 1)];
        await PlaneBed.UntilAsync(() => plane.Waiting == 2, "both wait");
        Assert.True((await Bounded(Fetch(worker, first))).IsCurrent);
        Overwrite();
        plane.Publish(elsewhere.Handle);
        foreach (ParameterHandle got in await Bounded(Task.WhenAll(both)))
        {
            Assert.Equal((first + 1, true), (got.Version, got.IsCurrent));
        }

        Assert.Equal(0, plane.Waiting);
    }

    [Fact]
    public async Task In_process_who_waits_for_a_version_takes_part_in_making_it()
    {
        using var plane = new InProcessPlane(new GradientPool(SharedMemoryFixture.Floats), crew);
        long first = elsewhere.Handle.Version;
        IWorkerPlane[] workers = [.. Enumerable.Range(1, crew.Size - 1).Select(_ => plane.CreateWorkerPlane(Guid.NewGuid()))];
        Task<ParameterHandle>[] waiting = [.. workers.Select(worker => Fetch(worker, first))];
        await PlaneBed.UntilAsync(() => plane.Waiting == workers.Length, "all wait");
        Meeting work = new(crew.Size);
        crew.Run(work);
        Assert.Equal(crew.Size, work.Present);
        Assert.All(waiting, wait => Assert.False(wait.IsCompleted));
        plane.Publish(elsewhere.Handle);
        Assert.All(await Bounded(Task.WhenAll(waiting)), got => Assert.True(got.IsCurrent));
        Array.ForEach(workers, worker => worker.Dispose());
    }

    [Fact]
    public async Task In_process_a_wait_ends_when_it_is_given_up_the_version_is_passed_over_or_the_session_ends()
    {
        using var plane = new InProcessPlane(new GradientPool(SharedMemoryFixture.Floats), crew);
        Guid session = Guid.NewGuid();
        using IWorkerPlane worker = plane.CreateWorkerPlane(session);
        using IWorkerPlane other = plane.CreateWorkerPlane(Guid.NewGuid());
        plane.Publish(elsewhere.Handle);
        long next = elsewhere.Handle.Version + 1;

        Task<ParameterHandle> givenUp = Fetch(worker, next, unwanted.Token);
        Task<ParameterHandle> passedOver = Fetch(other, next);
        await PlaneBed.UntilAsync(() => plane.Waiting == 2, "both wait");
        await unwanted.CancelAsync();
        Assert.False((await Bounded(givenUp)).IsCurrent);
        Assert.False((await Bounded(Fetch(worker, next, unwanted.Token))).IsCurrent);
        Assert.False(passedOver.IsCompleted);
        Overwrite();
        Overwrite();
        plane.Publish(elsewhere.Handle);
        Assert.False((await Bounded(passedOver)).IsCurrent);
        Assert.False((await Bounded(Fetch(worker, next))).IsCurrent);
        Assert.False((await Bounded(Fetch(worker, 0))).IsCurrent);

        Task<ParameterHandle> ended = Fetch(worker, next + 2);
        Task<ParameterHandle> disposed = Fetch(other, next + 2);
        await PlaneBed.UntilAsync(() => plane.Waiting == 2, "both wait");
        plane.End(session, "The test ends it.");
        Assert.False((await Bounded(ended)).IsCurrent);
        Assert.False(disposed.IsCompleted);
        plane.Dispose();
        Assert.False((await Bounded(disposed)).IsCurrent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task In_shared_memory_a_worker_gets_the_version_that_is_published_while_it_waits(bool inPlace)
    {
        using SharedMemoryFixture memory = new();
        (_, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            VersionedParameters versions = inPlace ? new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version) : elsewhere;
            memory.Host.Publish(versions.Handle);
            for (int step = 0; step < 3; step++)
            {
                long next = versions.Handle.Version + 1;
                Task<ParameterHandle> waits = Fetch(worker, next);
                await PlaneBed.UntilAsync(() => worker.Waiting == 1, "the worker waits");
                versions.BeginOverwrite();
                memory.Host.Parameters.Values.Span.Fill(step);
                versions.EndOverwrite();
                memory.Host.Publish(versions.Handle);
                ParameterHandle got = await Bounded(waits);
                Assert.Equal((next, true), (got.Version, got.IsCurrent));
                Assert.Equal(inPlace ? step : 0, got.Values.Span[^1]);
            }

            Assert.Equal(0, worker.Waiting);
        }
    }

    [Fact]
    public async Task In_shared_memory_a_version_that_is_being_overwritten_is_waited_for_until_a_newer_one_is_there()
    {
        using SharedMemoryFixture memory = new();
        (_, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
            long version = versions.Handle.Version;
            versions.BeginOverwrite();
            Task<ParameterHandle> waits = Fetch(worker, version);
            await PlaneBed.UntilAsync(() => worker.Waiting == 1, "the worker waits");
            Assert.False((await Bounded(Fetch(worker, version, new CancellationToken(canceled: true)))).IsCurrent);
            versions.EndOverwrite();
            memory.Host.Publish(versions.Handle);
            Assert.False((await Bounded(waits)).IsCurrent);
        }
    }

    [Fact]
    public async Task In_shared_memory_a_wait_that_is_given_up_ends_and_others_go_on()
    {
        using SharedMemoryFixture memory = new();
        (_, SharedWorkerPlane worker) = memory.Open();
        (_, SharedWorkerPlane other) = memory.Open();
        using (worker)
        using (other)
        {
            VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
            long next = versions.Handle.Version + 1;
            Task<ParameterHandle> givenUp = Fetch(worker, next, unwanted.Token);
            Task<ParameterHandle> goesOn = Fetch(other, next);
            await PlaneBed.UntilAsync(() => worker.Waiting + other.Waiting == 2, "both wait");
            await unwanted.CancelAsync();
            Assert.False((await Bounded(givenUp)).IsCurrent);
            Assert.False(goesOn.IsCompleted);
            versions.BeginOverwrite();
            versions.EndOverwrite();
            memory.Host.Publish(versions.Handle);
            Assert.True((await Bounded(goesOn)).IsCurrent);
        }
    }

    [Fact]
    public async Task The_kernel_wakes_a_reader_that_may_not_write_through_another_mapping_of_the_file()
    {
        if (!OperatingSystem.IsLinux() || !WordWait.HasFutex)
        {
            return;
        }

        string path = Path.Combine(SharedMemoryFolder.Default, $"distnet-tests-{Guid.NewGuid():N}");
        using SharedMapping maker = SharedMapping.Create(path, 4096);
        using SharedMapping reader = SharedMapping.Open(path, 4096, writable: false);
        // It comes back by being woken, not by time.
        Task<int> sleeper = OwnThread.Run("test-sleeper", () =>
        {
            int returned = 0;
            while (Volatile.Read(ref reader.Word(64)) == 0)
            {
                WordWait.While(ref reader.Word(64), 0, TimeSpan.FromDays(1), CancellationToken.None);
                returned++;
            }

            return returned;
        });
        await PlaneBed.UntilAsync(() => WordWait.Wake(ref maker.Word(64)) == 1, "the sleeper is woken by the maker");
        await PlaneBed.UntilAsync(() => WordWait.Wake(ref reader.Word(64)) == 1, "the sleeper is woken by a reader");
        Volatile.Write(ref maker.Word(64), 5);
        WordWait.Wake(ref maker.Word(64));
        Assert.True(await Bounded(sleeper) >= 2);
        Assert.True(WordWait.HasFutex);
    }

    public void Dispose()
    {
        unwanted.Dispose();
        crew.Dispose();
    }

    /// <summary>Ends when as many members have come as are expected.</summary>
    private sealed class Meeting(int expected) : ICrewWork
    {
        private int present;

        public int Present => present;

        public void Execute(int member)
        {
            Interlocked.Increment(ref present);
            Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref present) == expected, TimeSpan.FromSeconds(30)));
        }
    }

    private static Task<ParameterHandle> Fetch(IWorkerPlane plane, long version, CancellationToken unwanted = default) =>
        OwnThread.Run("test-compute", () => plane.Fetch(version, unwanted));

    private static Task<T> Bounded<T>(Task<T> task) => task.WaitAsync(PlaneBed.Patience, TestContext.Current.CancellationToken);

    private void Overwrite()
    {
        elsewhere.BeginOverwrite();
        elsewhere.EndOverwrite();
    }
}
