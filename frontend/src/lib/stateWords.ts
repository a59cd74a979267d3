/** Chinese for the names that rooms give to the figures of their state; English shows the name itself. */

import { lang } from './i18n'

const ZH: Record<string, string> = {
  judge: '评价', act: '处置', arrivals: '到达', judged: '已评价', stored: '已存结论', failed: '失败', runs: '轮次', touched: '待评窗口',
  ready: '就绪', closing: '待收窗口', untold: '待通知', last_run_s: '上轮用时 s', problems: '问题', messages: '报文', bytes: '字节', commits: '提交',
  failures: '失败', pending: '待落盘', last_commit_messages: '上次提交条数', last_commit_seconds: '上次提交 s', slowest_commit_seconds: '最慢提交 s',
  end: '写到', error: '错误', disk_free_bytes: '磁盘剩余', segments: '日志段', segments_sealed: '已封存段', bytes_on_disk: '占用', torn_bytes_cut: '截去残尾',
  oldest_at: '最早', rows: '读数', repeats: '重复', frames: '帧', blocks: '数据块', refused: '拒收', looked_up: '比对', series: '序列', seq: '入库序号',
  queued_rows: '排队', committed: '已入库到', hot_bytes: '热库大小', sealed_seq: '封存到序号', unsealed_frames: '未封存帧', sealed_files: '封存文件',
  sealed_rows: '封存读数', sealed_bytes: '封存大小', last_seal: '上次封存', connections: '连接', accepted: '已接入', devices_connected: '在线设备', received: '已收',
  answered: '已应答', decoded: '已解码', in_hand: '处理中', waiting_disk: '等待落盘', waiting_decode: '等待解码', congested: '拥塞', not_kept: '未留存',
  last_error: '最近错误', answer_lag: '应答延迟', p50_s: '中位 s', p99_s: 'P99 s', max_s: '最大 s', quarantine: '待登记', commands_waiting: '待发指令',
  backfill_in_flight: '补采中', gaps_open: '未补缺口', state_not_written: '状态待写', replayed: '启动重放', quarantined: '隔离', rate_per_s: '速率 /s',
  pid: '进程号', cpu_percent: 'CPU', cpu_s: 'CPU 累计 s', rss: '内存', threads: '线程', files: '打开文件', up_s: '运行 s', name: '名称', every_s: '间隔 s',
  last_s: '上次用时 s', longest_s: '最长用时 s', ran_at: '上次运行', last_at: '最近', verdicts: '结论', rejects: '拒收', open_alarms: '未消报警', open_cases: '在办工单',
  windows: '时段统计', rows_read: '读入读数', made: '生成时段', seconds: '用时 s', cpu_seconds: 'CPU s', longest_run_s: '最长一轮 s', behind: '落后报文',
  waiting_since: '最早待处理', hours_waiting: '待算小时', share: '占核上限', behind_s: '落后 s',
}

export function stateWord(name: string): string {
  return (lang.value === 'zh' ? ZH[name] : undefined) ?? name.replaceAll('_', ' ')
}
