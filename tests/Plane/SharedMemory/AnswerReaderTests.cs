using System.Collections.Concurrent;
using DistNet.Coordinator.Plane;
using DistNet.Kernels;
using DistNet.Plane.Tests.Grpc;
using DistNet.Protocol;
using DistNet.Protocol.SharedMemory;
using DistNet.Runs;
using DistNet.Training;
using DistNet.Worker.Plane;
using Xunit;

namespace DistNet.Plane.Tests.SharedMemory;

/// <summary>Answers beside the gradients: from the worker's end to whoever the coordinator's end tells.</summary>
public sealed class AnswerReaderTests
{
    private readonly ConcurrentQueue<(Guid Attendance, ShardDone Answer)> answers = new();
    private readonly ConcurrentQueue<(Guid Attendance, string Why)> broken = new();

    [Fact]
    public async Task The_answers_of_all_workers_come_in_order_each_with_its_attendance()
    {
        using SharedMemoryFixture memory = new();
        Read(memory);
        (SharedSession first, SharedWorkerPlane one) = memory.Open();
        (SharedSession second, SharedWorkerPlane two) = memory.Open();
        VersionedParameters versions = new(memory.Host.Parameters.Values, term: 7, memory.Host.Parameters.Version);
        using (one)
        using (two)
        {
            for (int step = 0; step < 300; step++)
            {
                if (step % 3 == 0)
                {
                    versions.BeginOverwrite();
                    versions.EndOverwrite();
                    memory.Host.Publish(versions.Handle);
                }

                Assert.True(one.TryAnswer(Answer("one", step)) && two.TryAnswer(Answer("two", step)));
                await PlaneBed.UntilAsync(() => answers.Count == 2 * (step + 1), $"answers of step {step}");
            }
        }

        foreach ((SharedSession session, string name) in new[] { (first, "one"), (second, "two") })
        {
            ShardDone[] told = [.. answers.Where(told => told.Attendance == session.Attendance).Select(told => told.Answer)];
            Assert.Equal(Enumerable.Range(0, 300).Select(step => Told(Answer(name, step))), told.Select(Told));
        }

        Assert.Empty(broken);
    }

    [Fact]
    public async Task What_is_no_answer_breaks_its_session_alone()
    {
        using SharedMemoryFixture memory = new();
        Read(memory);
        (SharedSession spoilt, SharedWorkerPlane one) = memory.Open();
        (SharedSession good, SharedWorkerPlane two) = memory.Open();
        using (one)
        using (two)
        {
            one.WriteAnswer([1, 2, 3]);
            Assert.True(two.TryAnswer(Answer("two", 1)));
            await PlaneBed.UntilAsync(() => answers.Count == 1 && broken.Count == 1, "both were read");
            Assert.Equal(good.Attendance, Assert.Single(answers).Attendance);
            Assert.Equal(spoilt.Attendance, Assert.Single(broken).Attendance);
            Assert.StartsWith("it sent a wrong answer: a message with manifest 'SD' is refused", broken.First().Why, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_session_that_has_ended_is_not_read()
    {
        using SharedMemoryFixture memory = new();
        Read(memory);
        (SharedSession over, SharedWorkerPlane one) = memory.Open();
        (SharedSession _, SharedWorkerPlane two) = memory.Open();
        using (one)
        using (two)
        {
            over.End();
            Assert.True(one.TryAnswer(Answer("one", 1)) && two.TryAnswer(Answer("two", 1)));
            await PlaneBed.UntilAsync(() => !answers.IsEmpty, "the other was read");
            Assert.Equal("two", Assert.Single(answers).Answer.Worker.Name);
        }
    }

    [Fact]
    public void Where_nobody_reads_answers_they_are_messages()
    {
        using SharedMemoryFixture memory = new();
        (SharedSession _, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            Assert.False(worker.TryAnswer(Answer("one", 1)));
        }
    }

    [Fact]
    public void A_coordinator_that_reads_nothing_more_ends_the_workers_session()
    {
        using SharedMemoryFixture memory = new();
        Read(memory);
        (SharedSession session, SharedWorkerPlane worker) = memory.Open();
        using (worker)
        {
            session.End();
            PlaneBrokenException full = Assert.Throws<PlaneBrokenException>(() =>
            {
                for (int step = 0; step < 10_000; step++)
                {
                    worker.TryAnswer(Answer("one", step));
                }
            });
            Assert.Equal("the coordinator reads no answers", full.Message);
        }
    }

    [Fact]
    public async Task Over_a_real_attendance_the_planes_owner_is_told_and_a_wrong_answer_ends_the_attendance()
    {
        using SharedMemoryFixture memory = new();
        await using PlaneBed bed = await PlaneBed.StartAsync(SharedMemoryFixture.Floats, sharedMemory: memory.Host);
        TestWorker worker = await bed.WorkerAsync();
        Assert.True(memory.TryOpen(worker.Attendance.Reply.SharedMemory!, out SharedWorkerPlane? shared, out Guid proof, out string? reason), reason);
        using (shared)
        {
            Assert.True(await worker.Attendance.ProbeAsync(proof));
            Assert.True(shared!.TryAnswer(Answer("w1", 4)));
            await PlaneBed.UntilAsync(() => !bed.Answers.IsEmpty, "the owner is told");
            Assert.Equal((worker.Id, Told(Answer("w1", 4))), (bed.Answers.First().Attendance, Told(bed.Answers.First().Answer)));

            shared.WriteAnswer([255]);
            Assert.Contains("it sent a wrong answer", await worker.Attendance.Ended.WaitAsync(PlaneBed.Patience), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_bell_wakes_who_sleeps_in_another_mapping_and_no_ring_is_missed()
    {
        using SharedMemoryFixture memory = new();
        string path = Path.Combine(memory.Folder, SharedMemoryFolder.NewName(memory.Run, 9));
        using SharedParameters maker = SharedParameters.Create(path, SharedMemoryFixture.Sizes());
        using SharedParameters reader = SharedParameters.Open(path, SharedMemoryFixture.Sizes(), maker.Nonce);
        Assert.False(reader.Bell.IsHeard);
        Assert.Equal(WordWait.Probe(), maker.Bell.TryListen());
        Assert.Equal(WordWait.Probe(), reader.Bell.IsHeard);
        const int Rings = 2_000;
        long heard = 0;
        Task<bool> sleeper = OwnThread.Run("test-sleeper", () =>
        {
            for (long rung = 0; rung < Rings; Volatile.Write(ref heard, rung))
            {
                maker.Bell.SleepSince(rung);
                maker.Bell.Follow();
                rung = maker.Bell.Rings;
            }

            return true;
        });
        for (int ring = 1; ring <= Rings; ring++)
        {
            reader.Bell.Ring();
            SpinWait.SpinUntil(() => Volatile.Read(ref heard) >= ring, PlaneBed.Patience);
        }

        Assert.True(await sleeper.WaitAsync(PlaneBed.Patience));
        Assert.Equal(Rings, maker.Bell.Rings);
    }

    private void Read(SharedMemoryFixture memory) =>
        memory.Host.Read((attendance, answer) => answers.Enqueue((attendance, answer)), (attendance, why) => broken.Enqueue((attendance, why)));

    private static ShardDone Answer(string worker, long step) => new(
        new WorkerId(worker),
        new Fence(new RunId(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11])), 1, RunPhase.Training, step, 3),
        new SliceRange(0, 2),
        [new AnsweredNode(new SumNode(1, 0), new NodeMetrics(0.5 + step, 2, 2, 1), step + 1)],
        null,
        0.25);

    private static object Told(ShardDone answer) => (answer.Worker, answer.Fence, answer.Slices, answer.Nodes.Single(), answer.Seconds);
}
